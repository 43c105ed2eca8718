import { constants } from 'node:buffer';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { ClosedInfo, EnvelopeOptions, EnvelopeSocket } from '../../lib/index.js';
import { clientFrame, OP, type FrameSpec, type RawClient } from '../support/raw-client.js';
import { underAttack } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class FramedGateway {
  readonly clients: EnvelopeSocket[] = [];
  readonly disconnects: [string, ClosedInfo | undefined][] = [];

  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
  }
  handleDisconnect(client: EnvelopeSocket, reason?: string): void {
    this.disconnects.push([reason ?? '', client.closed]);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('size')
  size(@MessageBody() data: string): number {
    return data.length;
  }
}

const limited = (limits: object, options: EnvelopeOptions = {}) =>
  underAttack(FramedGateway, { ...options, limits });
const TOO_MANY_FRAGMENTS = ['parse error', { code: 1008, reason: '', wasClean: false, initiator: 'server' }];

/** Splits a message into this many frames. */
function fragments(message: string, count: number): FrameSpec[] {
  const size = Math.ceil(message.length / count);
  return Array.from({ length: count }, (_, i) => ({
    opcode: i === 0 ? OP.text : OP.continuation,
    payload: message.slice(i * size, (i + 1) * size),
    fin: i === count - 1,
  }));
}

/** Writes bytes in pieces, each after the server has read the previous one. @returns the number of pieces */
async function writeInPieces(
  client: RawClient,
  socket: EnvelopeSocket,
  bytes: Buffer,
  size: number,
): Promise<number> {
  const tcp = socket.request.socket;
  client.tcp.setNoDelay(true);
  let pieces = 0;
  for (let start = 0; start < bytes.length && !client.isClosed && socket.connected; start += size) {
    const piece = bytes.subarray(start, start + size);
    const due = tcp.bytesRead + piece.length;
    client.tcp.write(piece);
    await until('the piece', () => tcp.bytesRead >= due || client.isClosed || !socket.connected);
    pieces++;
  }
  return pieces;
}

const message = (length: number): string => `{"event":"size","data":"${'x'.repeat(length)}"}`;

describe('limits on frames', () => {
  expectNoUnhandledErrors();

  it.each([
    ['the default', {}, 1_024],
    ['a lower limit', { maxFragments: 2 }, 2],
    ['a higher limit', { maxFragments: 5_000 }, 5_000],
  ])(
    'maxFragments, %s: accepts this many fragments, and closes with 1008 for one more',
    (_, limits, maximum) =>
      limited(limits)(async ({ raw, gateway, expectServed: isServed }) => {
        const client = await raw();
        client.send(...fragments(message(10_000), maximum));
        expect(JSON.parse(await client.message())).toEqual({ event: 'size', data: 10_000 });
        // Control frames between the fragments do not count.
        client.send({ ...fragments(message(1), 2)[0]! });
        for (let i = 0; i < 5; i++) client.send({ opcode: OP.ping });
        client.send({ ...fragments(message(1), 2)[1]! });
        let frame = await client.frame();
        while (frame.opcode === OP.pong) frame = await client.frame();
        expect(JSON.parse(frame.payload.toString())).toEqual({ event: 'size', data: 1 });
        client.send(...fragments(message(10_000), maximum + 1));
        expect(await client.close()).toEqual({ code: 1008, reason: '' });
        await client.ended();
        await until('handleDisconnect', () => gateway.disconnects.length === 1);
        expect(gateway.disconnects).toEqual([TOO_MANY_FRAGMENTS]);
        await isServed();
      })(),
  );

  it(
    'maxFragments: false accepts any number of fragments, and maxPayload still applies',
    limited({ maxFragments: false, maxPayload: 100_000 })(async ({ raw }) => {
      const client = await raw();
      client.send(...fragments(message(50_000), 50_000));
      expect(JSON.parse(await client.message())).toEqual({ event: 'size', data: 50_000 });
      client.send(...fragments(message(100_001), 50_000));
      expect((await client.close()).code).toBe(1009);
    }),
  );

  it(
    'empty fragments without end close the connection',
    limited({})(async ({ raw }) => {
      const client = await raw();
      const empty = clientFrame({ opcode: OP.continuation, fin: false });
      client.send({ opcode: OP.text, fin: false }, Buffer.concat(Array.from({ length: 2_000 }, () => empty)));
      expect((await client.close()).code).toBe(1008);
    }),
  );

  it(
    'accepts a message of one megabyte in a thousand pieces of TCP',
    limited({})(async ({ raw, gateway }) => {
      const client = await raw();
      const frame = clientFrame({ opcode: OP.text, payload: message(990_000) });
      const pieces = await writeInPieces(client, gateway.clients.at(-1)!, frame, 991);
      expect(pieces).toBeGreaterThanOrEqual(1_000);
      expect(JSON.parse(await client.message())).toEqual({ event: 'size', data: 990_000 });
      // The same in fragments, each in pieces.
      const parts = Buffer.concat(fragments(message(900_000), 100).map(clientFrame));
      await writeInPieces(client, gateway.clients.at(-1)!, parts, 900);
      expect(JSON.parse(await client.message())).toEqual({ event: 'size', data: 900_000 });
    }),
  );

  it(
    'bounds the memory for a message that arrives byte by byte, and closes with 1008',
    limited({})(async ({ raw, gateway, expectServed: isServed }) => {
      const client = await raw();
      const frame = clientFrame({ opcode: OP.text, payload: message(900_000) });
      const before = process.memoryUsage();
      const pieces = await writeInPieces(client, gateway.clients.at(-1)!, frame, 1);
      const { arrayBuffers, heapUsed } = process.memoryUsage();
      expect(pieces).toBeGreaterThan(4_000);
      expect(pieces).toBeLessThan(4_200);
      expect(arrayBuffers - before.arrayBuffers).toBeLessThan(8_000_000);
      expect(heapUsed - before.heapUsed).toBeLessThan(64_000_000);
      expect((await client.close()).code).toBe(1008);
      await until('handleDisconnect', () => gateway.disconnects.length === 1);
      expect(gateway.disconnects).toEqual([TOO_MANY_FRAGMENTS]);
      await isServed();
    }),
  );

  it(
    'accepts a small message that arrives byte by byte',
    limited({})(async ({ raw, gateway }) => {
      const client = await raw();
      for (let i = 0; i < 3; i++) {
        const frame = clientFrame({ opcode: OP.text, payload: message(1_000) });
        await writeInPieces(client, gateway.clients.at(-1)!, frame, 1);
        expect(JSON.parse(await client.message())).toEqual({ event: 'size', data: 1_000 });
      }
    }),
  );

  it(
    'a message longer than the longest string closes with 1009 even with maxPayload: false',
    limited({ maxPayload: false })(async ({ raw, gateway }) => {
      const attacker = await raw();
      attacker.send({ opcode: OP.text, payload: 'x', claimedLength: constants.MAX_STRING_LENGTH + 1 });
      expect(await attacker.close()).toMatchObject({ code: 1009 });
      await until('the disconnect', () => gateway.disconnects.length > 0);
    }),
  );

  it(
    'accepts more pieces with a larger maxPayload',
    limited({ maxPayload: 4_000_000 })(async ({ raw, gateway }) => {
      const client = await raw();
      const frame = clientFrame({ opcode: OP.text, payload: message(3_000_000) });
      const pieces = await writeInPieces(client, gateway.clients.at(-1)!, frame, 400);
      expect(pieces).toBeGreaterThan(7_000);
      expect(JSON.parse(await client.message())).toEqual({ event: 'size', data: 3_000_000 });
    }),
  );

  it(
    'a hundred unfinished messages keep at most their own bytes, and other clients are served',
    limited({ maxPayload: 100_000 })(async ({ raw, expectServed: isServed, server }) => {
      const part = clientFrame({ opcode: OP.text, payload: Buffer.alloc(90_000, 'x'), fin: false });
      for (let i = 0; i < 100; i++) (await raw()).send(part);
      const sockets = [...server.sockets.values()];
      await until(
        'all parts',
        () => sockets.filter(({ request }) => request.socket.bytesRead > 90_000).length === 100,
      );
      await isServed();
    }),
  );
});
