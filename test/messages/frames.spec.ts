import { constants, deflateRawSync } from 'node:zlib';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { ClosedInfo, EnvelopeSocket } from '../../lib/index.js';
import { clientFrame, closeBody, OP, type FrameSpec, type RawFrame } from '../support/raw-client.js';
import { underAttack } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

const MAX = 10_000;

@WebSocketGateway({ path: '/ws' })
class FramesGateway {
  readonly disconnects: [string, ClosedInfo | undefined][] = [];
  readonly errors: unknown[] = [];
  readonly clients: EnvelopeSocket[] = [];
  echoed = 0;

  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
    client.on('error', (error) => this.errors.push(error));
  }
  handleDisconnect(client: EnvelopeSocket, reason?: string): void {
    this.disconnects.push([reason ?? '', client.closed]);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    this.echoed++;
    return data;
  }
}

const attack = underAttack(FramesGateway, { maxPayload: MAX });
const ECHO = '{"event":"echo","data":1}';
const bytes = (...values: number[]): Buffer => Buffer.from(values);
const text = (payload: string | Buffer, more: Partial<FrameSpec> = {}): FrameSpec => ({
  opcode: OP.text,
  payload,
  ...more,
});

describe('hostile frames', () => {
  expectNoUnhandledErrors();

  const broken: [what: string, code: number, frames: (FrameSpec | Buffer)[]][] = [
    ['text that is not UTF-8', 1007, [text(bytes(0x22, 0xff, 0x22))]],
    ['text that ends within a character', 1007, [text(bytes(0xe2, 0x82))]],
    ['an overlong character', 1007, [text(bytes(0xc0, 0xaf))]],
    ['a surrogate in UTF-8', 1007, [text(bytes(0xed, 0xa0, 0x80))]],
    ['a character beyond Unicode', 1007, [text(bytes(0xf4, 0x90, 0x80, 0x80))]],
    [
      'text that is invalid in its second fragment',
      1007,
      [text(bytes(0xe2), { fin: false }), { opcode: OP.continuation, payload: bytes(0x28) }],
    ],
    ['a close reason that is not UTF-8', 1007, [{ opcode: OP.close, payload: closeBody(1000, bytes(0xff)) }]],
    ['the first reserved bit, without compression', 1002, [text(ECHO, { rsv: 4 })]],
    ['the second reserved bit', 1002, [text(ECHO, { rsv: 2 })]],
    ['the third reserved bit', 1002, [text(ECHO, { rsv: 1 })]],
    ['a reserved data opcode', 1002, [{ opcode: 3, payload: ECHO }]],
    ['a reserved control opcode', 1002, [{ opcode: 11 }]],
    ['an unmasked text', 1002, [text(ECHO, { mask: false })]],
    ['an unmasked ping', 1002, [{ opcode: OP.ping, mask: false }]],
    ['a continuation without a message', 1002, [{ opcode: OP.continuation, payload: 'x' }]],
    ['a text within a message', 1002, [text('{', { fin: false }), text('}')]],
    ['a ping in fragments', 1002, [{ opcode: OP.ping, fin: false }]],
    ['a ping of 126 bytes', 1002, [{ opcode: OP.ping, payload: Buffer.alloc(126) }]],
    ['a close frame of one byte', 1002, [{ opcode: OP.close, payload: bytes(3) }]],
    ['a close code that must not be sent', 1002, [{ opcode: OP.close, payload: closeBody(1006) }]],
    ['an unknown close code', 1002, [{ opcode: OP.close, payload: closeBody(999) }]],
    ['a close code beyond the range', 1002, [{ opcode: OP.close, payload: closeBody(5000) }]],
    ['HTTP instead of frames', 1002, [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')]],
    ['a message over maxPayload', 1009, [text(Buffer.alloc(MAX + 1, 'x'))]],
    ['a message that claims to be over maxPayload', 1009, [text('x', { claimedLength: MAX + 1 })]],
    ['a message that claims gigabytes', 1009, [text('x', { claimedLength: 5_000_000_000 })]],
    ['a message longer than a number', 1009, [text('x', { claimedLength: 2 ** 53 })]],
    [
      'fragments that are too large together',
      1009,
      [text(Buffer.alloc(MAX, 'x'), { fin: false }), { opcode: OP.continuation, payload: 'x', fin: false }],
    ],
  ];

  for (const [what, code, frames] of broken) {
    it(
      `${what} closes the connection with ${code}`,
      attack(async ({ raw, gateway, app }) => {
        const client = await raw();
        client.send(text(ECHO));
        expect(await client.message()).toBe(ECHO);
        client.send(...frames, text(ECHO));
        // The message before is answered, and nothing after it.
        expect(await client.close()).toEqual({ code, reason: '' });
        expect(await client.ended()).toHaveLength(0);
        await until('handleDisconnect', () => gateway.disconnects.length > 0);
        expect(gateway.disconnects).toEqual([
          ['parse error', { code, reason: '', wasClean: false, initiator: 'server' }],
        ]);
        expect(gateway.errors).toEqual([expect.any(Error)]);
        expect(app.log.of('error')).toEqual([]);
      }),
    );
  }

  it(
    'many tiny fragments close the connection',
    underAttack(FramesGateway, { maxPayload: 10_000_000 })(async ({ raw, gateway, expectServed }) => {
      const client = await raw();
      client.send(text('"', { fin: false }));
      const fragment = clientFrame({ opcode: OP.continuation, payload: 'x', fin: false });
      client.send(Buffer.concat(Array.from({ length: 200_000 }, () => fragment)));
      await expectServed();
      expect((await client.close()).code).toBe(1008);
      await client.ended();
      await until('handleDisconnect', () => gateway.disconnects.length > 0);
      expect(gateway.disconnects).toEqual([
        ['parse error', { code: 1008, reason: '', wasClean: false, initiator: 'server' }],
      ]);
    }),
  );

  it(
    'a message of exactly maxPayload passes',
    attack(async ({ raw }) => {
      const client = await raw();
      const message = `{"event":"echo","data":"${'x'.repeat(MAX - 26)}"}`;
      expect(message).toHaveLength(MAX);
      client.text(message);
      expect(await client.message()).toBe(message);
    }),
  );

  it(
    'a connection that ends anywhere within a frame leaves no resources',
    attack(async ({ raw, gateway }) => {
      const frame = clientFrame(text(ECHO));
      for (let cut = 1; cut < frame.length; cut += 5) {
        const client = await raw();
        client.tcp.end(frame.subarray(0, cut));
        await client.ended();
      }
      const reset = await raw();
      reset.text(ECHO);
      reset.tcp.resetAndDestroy();
      await until(
        'handleDisconnect',
        () =>
          gateway.disconnects.length === Math.ceil(frame.length / 5) + 1 - (frame.length % 5 === 1 ? 1 : 0),
      );
      for (const [reason, closed] of gateway.disconnects) {
        expect(['transport close', 'transport error']).toContain(reason);
        expect(closed).toMatchObject({ code: 1006, wasClean: false, initiator: 'network' });
      }
    }),
  );

  it(
    'a message that inflates over maxPayload, or is not valid deflate data, closes the connection',
    underAttack(FramesGateway, { maxPayload: MAX, perMessageDeflate: true })(
      async ({ attacker, raw, gateway }) => {
        const bomb = await attacker({ perMessageDeflate: { threshold: 0 } });
        bomb.ws.send(Buffer.alloc(5_000_000));
        expect((await bomb.ended()).code).toBe(1009);
        const garbage = await raw({ 'Sec-WebSocket-Extensions': 'permessage-deflate' });
        garbage.send(text(Buffer.from('this was never deflated'), { rsv: 4 }));
        // The `ws` library uses 1007: the data is not consistent with the type of the message.
        expect((await garbage.close()).code).toBe(1007);
        await garbage.ended();
        await until('handleDisconnect', () => gateway.disconnects.length === 2);
        expect(gateway.disconnects.map(([reason, closed]) => [reason, closed?.code])).toEqual([
          ['parse error', 1009],
          ['parse error', 1007],
        ]);
      },
    ),
  );

  /** Compresses a message for permessage-deflate (RFC 7692, section 7.2.1). */
  const deflated = (payload: string | Buffer): Buffer =>
    deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  const large = text(deflated(`{"event":"echo","data":"${'x'.repeat(900_000)}"}`), { rsv: 4 });
  const refused: [what: string, code: number, frame: FrameSpec][] = [
    ['a close code that must not be sent', 1002, { opcode: OP.close, payload: closeBody(1005) }],
    ['a close reason that is not UTF-8', 1007, { opcode: OP.close, payload: closeBody(1000, bytes(0xff)) }],
    ['text that is not UTF-8', 1007, text(bytes(0xff))],
    ['text that is not UTF-8, compressed', 1007, text(deflated(bytes(0xff)), { rsv: 4 })],
    ['invalid deflate data', 1007, text('never deflated', { rsv: 4 })],
    ['a reserved opcode', 1002, { opcode: 3, payload: ECHO }],
    ['a message over maxPayload', 1009, text(deflated(Buffer.alloc(1_000_001)), { rsv: 4 })],
  ];
  const afterwards: [what: string, bytes: Buffer][] = [
    ['two bytes', bytes(0x81, 0x80)],
    ['a compressed message', clientFrame(text(deflated(Buffer.alloc(50_000, 'x')), { rsv: 4 }))],
  ];
  const inflating = refused.flatMap(([what, code, frame]) =>
    afterwards.map(([then, more]) => [what, then, code, frame, more] as const),
  );

  it.each(inflating)(
    '%s and then %s, both while a message inflates, close only that connection',
    (_what, _then, code, frame, more) =>
      underAttack(FramesGateway, { perMessageDeflate: true })(async ({ raw, gateway, app, expectServed }) => {
        const client = await raw({ 'Sec-WebSocket-Extensions': 'permessage-deflate' });
        await until('handleConnection', () => gateway.clients.length === 2);
        const segments = [frame, more];
        // Each segment is sent once the server has read the previous one.
        gateway.clients[1]!.request.socket.on('data', () => {
          if (segments.length > 0) client.send(segments.shift()!);
        });
        client.tcp.setNoDelay(true);
        client.send(large);
        // The answer to the valid message arrives first, if it arrives at all.
        const frames: RawFrame[] = [];
        for (let next; (next = await client.frameOrEnd()) !== undefined;) frames.push(next);
        expect(frames.at(-1)).toMatchObject({ opcode: OP.close, payload: closeBody(code) });
        expect(frames.length).toBeLessThanOrEqual(2);
        expect(gateway.echoed).toBe(1);
        await until('handleDisconnect', () => gateway.disconnects.length > 0);
        expect(gateway.disconnects).toEqual([
          ['parse error', { code, reason: '', wasClean: false, initiator: 'server' }],
        ]);
        expect(app.log.of('error')).toEqual([]);
        await expectServed();
      })(),
  );
});
