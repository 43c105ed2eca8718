import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import { EnvelopeSocket, type ClosedInfo } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { clientFrame, closeBody, OP, RawClient } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class CompleteGateway implements OnGatewayDisconnect {
  readonly ends: [string, ClosedInfo | undefined][] = [];

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('void')
  nothing(): void {}
  @SubscribeMessage('count')
  *count(@MessageBody() to: number): Generator<number> {
    for (let i = 1; i <= to; i++) yield i;
  }
  @SubscribeMessage('boom')
  boom(): void {
    throw new WsException('no');
  }
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): Promise<void> {
    await client.join(room);
  }
  @SubscribeMessage('notify')
  notify(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() [room, text]: [string, string]): void {
    client.nsp.to(room).emit('notified', text);
    client.emit('done');
  }
  @SubscribeMessage('push')
  push(@ConnectedSocket() client: EnvelopeSocket): void {
    client.emit('pushed', 1);
    client.send('raw text');
    client.send(Buffer.from([1, 2, 3]));
    client.emit('pushed', 2, 3);
  }
  @SubscribeMessage('bye')
  bye(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() code: number): void {
    client.emit('last');
    client.close(code, 'see you');
    client.emit('never');
  }
  handleDisconnect(client: EnvelopeSocket, reason?: string): void {
    this.ends.push([reason ?? '', client.closed]);
  }
}

/** Returns the exact bytes of a server frame as RFC 6455 defines them. */
function serverFrame(opcode: number, payload: string | Buffer): Buffer {
  return clientFrame({ opcode, payload, mask: false });
}
const text = (message: string): Buffer => serverFrame(OP.text, message);

describe('a gateway and a client over raw TCP', () => {
  expectNoUnhandledErrors();

  const start = async () => {
    const app = await startApp({ providers: [CompleteGateway] }, { adapter: { pingInterval: 0 } });
    const open = () => RawClient.connect(app.port, '/ws');
    return { app, gateway: app.nest.get(CompleteGateway), open };
  };

  it('writes each envelope byte by byte as the protocol defines', async () => {
    const { open } = await start();
    const client = await open();
    expect(client.head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(client.head).not.toMatch(/Sec-WebSocket-(Protocol|Extensions)/i);
    const expectBytes = async (...frames: Buffer[]) => {
      for (const frame of frames) expect(await client.frame()).toHaveProperty('bytes', frame);
    };

    client.text({ event: 'echo', data: { a: 'ü€😀' } });
    await expectBytes(text('{"event":"echo","data":{"a":"ü€😀"}}'));
    client.text({ event: 'echo', data: [1], id: 'x' });
    await expectBytes(text('{"event":"echo","data":[1],"ack":"x"}'));
    client.text({ event: 'void' });
    client.text({ event: 'void', id: 7 });
    await expectBytes(text('{"event":"void","ack":7}'));
    client.text({ event: 'count', data: 2, id: 8, stream: true });
    await expectBytes(
      text('{"event":"count","data":1,"ack":8,"more":true}'),
      text('{"event":"count","data":2,"ack":8,"more":true}'),
      text('{"event":"count","ack":8}'),
    );
    client.text({ event: 'boom', data: 'b' });
    client.text({ event: 'boom', data: 'b', id: 9 });
    const exception =
      '{"event":"exception","data":{"status":"error","message":"no","cause":{"pattern":"boom","data":"b"}}';
    await expectBytes(text(`${exception}}`), text(`${exception},"ack":9}`));
    client.text({ event: 'unknown', id: 10 });
    await expectBytes(
      text(
        '{"event":"exception","data":{"status":"error","code":"unknown_event","message":"no handler takes \\"unknown\\""},"ack":10}',
      ),
    );
    client.text({ event: 'push' });
    await expectBytes(
      text('{"event":"pushed","data":1}'),
      text('raw text'),
      serverFrame(OP.binary, Buffer.from([1, 2, 3])),
      text('{"event":"pushed","data":[2,3]}'),
    );
    client.text({ event: '$ping', id: 0 });
    await expectBytes(text('{"event":"$ping","ack":0}'));
    client.tcp.destroy();
  });

  it('reads and writes every frame length, and reads fragmented messages', async () => {
    const { open } = await start();
    const client = await open();
    const around = '{"event":"echo","data":""}'.length;
    for (const length of [around, 125, 126, 127, 65_535, 65_536, 70_000]) {
      const message = `{"event":"echo","data":"${'x'.repeat(length - around)}"}`;
      client.text(message);
      expect((await client.frame()).bytes.equals(text(message))).toBe(true);
    }
    // Longer forms of the length than necessary are read as well.
    const short = '{"event":"echo","data":1}';
    client.send({ opcode: OP.text, payload: short, lengthBytes: 2 });
    client.send({ opcode: OP.binary, payload: short, lengthBytes: 8 });
    expect([await client.message(), await client.message()]).toEqual([short, short]);

    const message = Buffer.from('{"event":"echo","data":"ü€😀"}');
    const bytes = [...message].map((byte, index) =>
      clientFrame({
        opcode: index === 0 ? OP.text : OP.continuation,
        payload: Buffer.from([byte]),
        fin: index === message.length - 1,
      }),
    );
    // A control frame may come between fragments, even inside a character.
    client.send(...bytes.slice(0, 25), { opcode: OP.ping, payload: 'between' }, ...bytes.slice(25));
    expect((await client.frame()).bytes).toEqual(serverFrame(OP.pong, 'between'));
    expect((await client.frame()).bytes).toEqual(text(message.toString()));
    // Single bytes, then several frames at once.
    for (const byte of clientFrame({ opcode: OP.text, payload: short }))
      client.tcp.write(Buffer.from([byte]));
    expect(await client.message()).toBe(short);
    const many = Array.from({ length: 100 }, (_, i) => `{"event":"echo","data":${i}}`);
    client.send(...many.map((payload) => ({ opcode: OP.text, payload })));
    for (const expected of many) expect(await client.message()).toBe(expected);
    client.tcp.destroy();
  });

  it('delivers to rooms of raw clients', async () => {
    const { open } = await start();
    const [ada, bob, eve] = [await open(), await open(), await open()];
    for (const client of [ada, bob]) {
      client.text({ event: 'join', data: 'red', id: 1 });
      expect(await client.message()).toBe('{"event":"join","ack":1}');
    }
    eve.text({ event: 'notify', data: ['red', 'hi'] });
    expect((await ada.frame()).bytes).toEqual(text('{"event":"notified","data":"hi"}'));
    expect((await bob.frame()).bytes).toEqual(text('{"event":"notified","data":"hi"}'));
    expect((await eve.frame()).bytes).toEqual(text('{"event":"done"}'));
    for (const client of [ada, bob, eve]) client.tcp.destroy();
  });

  it('answers pings and accepts unsolicited pongs', async () => {
    const { open } = await start();
    const client = await open();
    client.send(
      { opcode: OP.pong, payload: 'unsolicited' },
      { opcode: OP.ping },
      { opcode: OP.ping, payload: 'p' },
    );
    expect((await client.frame()).bytes).toEqual(serverFrame(OP.pong, ''));
    expect((await client.frame()).bytes).toEqual(serverFrame(OP.pong, 'p'));
    const longest = Buffer.alloc(125, 'l');
    client.send({ opcode: OP.ping, payload: longest });
    expect((await client.frame()).bytes).toEqual(serverFrame(OP.pong, longest));
    client.tcp.destroy();
  });

  it.each([
    [1000, 'client namespace disconnect'],
    [1001, 'transport close'],
    [3000, 'transport close'],
    [4999, 'transport close'],
  ])(
    'answers a close frame with code %d with the same frame and ends the connection',
    async (code, expectedReason) => {
      const { open, gateway } = await start();
      const client = await open();
      client.send({ opcode: OP.close, payload: closeBody(code, 'bye ü') });
      expect((await client.frame()).bytes).toEqual(serverFrame(OP.close, closeBody(code, 'bye ü')));
      expect(await client.ended()).toHaveLength(0);
      await until('handleDisconnect', () => gateway.ends.length > 0);
      expect(gateway.ends).toEqual([
        [expectedReason, { code, reason: 'bye ü', wasClean: true, initiator: 'client' }],
      ]);
    },
  );

  it('accepts a close frame without a code, and a TCP connection that ends without one', async () => {
    const { open, gateway } = await start();
    const withoutCode = await open();
    withoutCode.send({ opcode: OP.close });
    expect((await withoutCode.frame()).bytes).toEqual(serverFrame(OP.close, ''));
    await withoutCode.ended();
    await until('handleDisconnect', () => gateway.ends.length === 1);
    const withoutFrame = await open();
    withoutFrame.tcp.end();
    await until('handleDisconnect', () => gateway.ends.length === 2);
    expect(gateway.ends.map(([reason, closed]) => [reason, closed?.code, closed?.initiator])).toEqual([
      ['client namespace disconnect', 1005, 'client'],
      ['transport close', 1006, 'network'],
    ]);
    await withoutFrame.ended();
  });

  it('sends its close code last and nothing after it', async () => {
    const { open, gateway } = await start();
    const client = await open();
    client.text({ event: 'bye', data: 4000 });
    expect((await client.frame()).bytes).toEqual(text('{"event":"last"}'));
    expect((await client.frame()).bytes).toEqual(serverFrame(OP.close, closeBody(4000, 'see you')));
    // What arrives after the close frame of the server is read and discarded.
    client.text({ event: 'echo', data: 'late' });
    client.send({ opcode: OP.close, payload: closeBody(4000) });
    expect(await client.ended()).toHaveLength(0);
    expect(gateway.ends).toEqual([
      ['server namespace disconnect', { code: 4000, reason: 'see you', wasClean: true, initiator: 'server' }],
    ]);
  });
});
