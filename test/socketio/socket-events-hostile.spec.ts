import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { until } from '../support/wait.js';
import { tcpSocketOf, connectPair, startPair, received, startServers } from './fixture.js';

const STRANGE = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'length'];

@WebSocketGateway()
class StrangeGateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly handled: unknown[] = [];

  @SubscribeMessage('__proto__')
  proto(@MessageBody() data: unknown): unknown {
    this.handled.push(data);
    return data;
  }
  @SubscribeMessage('after')
  after(@MessageBody() data: unknown): void {
    this.handled.push(data);
  }
}

describe('invalid messages of clients', () => {
  it.each([
    ['not json', 'bad_frame'],
    ['', 'bad_frame'],
    ['[]', 'bad_frame'],
    ['null', 'bad_frame'],
    ['42', 'bad_frame'],
    ['"text"', 'bad_frame'],
    ['{}', 'bad_event'],
    ['{"event":""}', 'bad_event'],
    ['{"event":1}', 'bad_event'],
    ['{"event":{}}', 'bad_event'],
    ['{"event":"x","id":{}}', 'bad_id'],
    ['{"event":"x","id":1.5}', 'bad_id'],
    ['{"event":"x","meta":1}', 'bad_frame'],
    ['{"event":"$session"}', 'reserved_event'],
    ['{"event":"exception"}', 'reserved_event'],
    ['{"__proto__":{"event":"x"}}', 'bad_event'],
  ])('answers a malformed message with an exception and keeps the connection: %s', async (text, code) => {
    const { app, client, socket } = await startPair();
    socket.on('x', () => client.close());
    client.send(text);
    expect((await client.next('exception')).data).toMatchObject({ status: 'error', code });
    await client.settled();
    expect(socket.connected).toBe(true);
    expect(app.log.of('error')).toEqual([]);
  });

  it('refuses a binary message that is not UTF-8 and reads one with JSON', async () => {
    const { client, socket } = await startPair();
    const calls: unknown[] = [];
    socket.on('x', (data: unknown) => calls.push(data));
    client.send(Buffer.from([0xff, 0xfe, 0x00]));
    expect((await client.next('exception')).data).toMatchObject({ code: 'bad_frame' });
    client.send(Buffer.from('{"event":"x","data":"ä"}'));
    await client.settled();
    expect(calls).toEqual(['ä']);
  });

  it('closes the connection after repeated malformed messages and leaves other clients connected', async () => {
    const { app, server, client, socket } = await startPair();
    const other = await connectPair(app, server);
    const reasons: string[] = [];
    socket.on('disconnect', (reason: string) => reasons.push(reason));
    for (let i = 0; i < 20; i++) client.send('not json');
    expect((await client.ended()).code).toBe(1008);
    expect(client.frames.length).toBeGreaterThan(0);
    expect(reasons).toEqual(['parse error']);
    await other.client.settled();
    expect(app.log.of('error')).toEqual([]);
  });

  it.each([
    ['a reserved bit set', [0xf1, 0x80, 0, 0, 0, 0], 1002],
    ['no mask', [0x81, 0x02, 0x7b, 0x7d], 1002],
    ['an unknown opcode', [0x83, 0x80, 0, 0, 0, 0], 1002],
    ['a fragmented ping', [0x09, 0x80, 0, 0, 0, 0], 1002],
    ['a continuation of nothing', [0x80, 0x80, 0, 0, 0, 0], 1002],
    ['text that is no UTF-8', [0x81, 0x81, 0, 0, 0, 0, 0xff], 1007],
    ['a forbidden close code', [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed], 1002],
  ])('closes only the connection that sends a frame against RFC 6455: %s', async (_what, bytes, code) => {
    const { app, server, client, socket } = await startPair();
    const other = await connectPair(app, server);
    const reasons: string[] = [];
    socket.on('disconnect', (reason: string) => reasons.push(reason));
    tcpSocketOf(client).write(Buffer.from(bytes));
    expect((await client.ended()).code).toBe(code);
    await until('the socket leaves', () => reasons.length > 0);
    expect(reasons).toEqual(['parse error']);
    await other.client.settled();
    expect(app.log.of('error')).toEqual([]);
  });

  it.each(STRANGE)('handles an event, a room and a field named "%s" like any other', async (name) => {
    const { app, server, client, socket } = await startPair();
    if (name !== '__proto__') client.send({ event: name });
    else client.send('{"event":"__proto__"}');
    expect((await client.next('exception')).data).toMatchObject({ code: 'unknown_event' });

    const calls: unknown[] = [];
    const data = JSON.parse(`{"${name}":{"polluted":true}}`);
    socket.on(name, (payload: unknown) => calls.push(payload));
    client.send({ event: name, data });
    await client.settled();
    expect(JSON.stringify(calls)).toBe(JSON.stringify([data]));
    expect(Reflect.get({}, 'polluted')).toBeUndefined();

    await socket.join(name);
    expect([...socket.rooms]).toEqual([socket.id, name]);
    server.to(name).emit(name, data);
    expect(JSON.stringify((await client.next(name)).data)).toBe(JSON.stringify(data));
    expect(app.log.of('error')).toEqual([]);
  });

  it('delivers "__proto__" to a gateway that subscribes to it', async () => {
    const app = await startApp({ providers: [StrangeGateway] });
    const client = await app.connect();
    expect((await client.ask('__proto__', 1, 'a')).data).toBe(1);
    expect((await client.ask('constructor', 1, 'b')).data).toMatchObject({ code: 'unknown_event' });
    expect(app.nest.get(StrangeGateway).handled).toEqual([1]);
  });

  it('ignores properties of Object.prototype in a message', async () => {
    const { app, server, client, socket } = await startPair();
    const calls: unknown[][] = [];
    socket.on('x', (...args: unknown[]) => calls.push(args));
    const pollution = {
      event: 'pollution',
      data: 'pollution',
      id: 'pollution',
      ack: 'pollution',
      stream: true,
      more: true,
      meta: 1,
    };
    for (const [name, value] of Object.entries(pollution)) {
      Object.defineProperty(Object.prototype, name, {
        value,
        configurable: true,
        enumerable: true,
        writable: true,
      });
    }
    try {
      client.send('{"event":"x"}');
      client.send('{}');
      socket.emit('y', { own: 1 });
      server.emit('z', { own: 2 });
      await until('the messages were handled', () => client.frames.length === 3);
    } finally {
      for (const name of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, name);
    }
    expect(calls).toEqual([[]]);
    const exception = { status: 'error', code: 'bad_event', message: 'event must be a non-empty string' };
    expect(client.frames).toHaveLength(3);
    expect(client.frames).toContainEqual({ event: 'y', data: { own: 1 } });
    expect(client.frames).toContainEqual({ event: 'z', data: { own: 2 } });
    expect(client.frames).toContainEqual({ event: 'exception', data: exception });
    await client.settled();
    expect(app.log.of('error')).toEqual([]);
  });

  it('ignores a message that arrives after the server disconnected the socket', async () => {
    const app = await startApp({ providers: [StrangeGateway] });
    const gateway = app.nest.get(StrangeGateway);
    const { client, socket } = await connectPair(app, gateway.server);
    const calls: unknown[] = [];
    socket.on('kick', () => socket.disconnect());
    socket.onAny((event) => calls.push(event));
    client.send({ event: 'after', data: 'before' });
    client.send({ event: 'kick' });
    for (let i = 0; i < 10; i++) client.send({ event: 'after', data: i, id: i });
    expect((await client.ended()).code).toBe(1000);
    expect(gateway.handled).toEqual(['before']);
    expect(calls).toEqual(['after', 'kick']);
    expect(client.frames).toEqual([]);
  });

  it.each([
    ['a broken frame', 'WS_ERR_UNEXPECTED_RSV_2_3'],
    // `ws` treats a reset like a close without a handshake and emits no error.
    ['a reset of the TCP connection', undefined],
  ])('does not crash after %s, and emits "error" to a listener if one exists', async (_, code) => {
    const { app, servers } = await startServers([{}]);
    const server = servers[0]!;
    const [without, withListener] = [await connectPair(app, server), await connectPair(app, server)];
    const errors: Error[] = [];
    withListener.socket.on('error', (error: Error) => errors.push(error));
    for (const { client } of [without, withListener]) {
      if (code === undefined) tcpSocketOf(client).resetAndDestroy();
      else tcpSocketOf(client).write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0]));
      await client.ended();
    }
    await until('both leave', () => server.sockets.size === 0);
    expect(errors).toMatchObject(code === undefined ? [] : [{ code }]);
    const { client } = await connectPair(app, server);
    expect(await received(client, 'exception')).toEqual([]);
  });
});
