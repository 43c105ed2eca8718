import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer } from '../../../lib/index.js';
import { startApp } from '../../support/app.js';
import { until } from '../../support/wait.js';
import { lineOf, meet, meetOne, received, serve } from './support.js';

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

describe('socket events: what clients should not send', () => {
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
  ])('34. a malformed message is told off, and the connection lives: %s', async (text, code) => {
    const { app, client, socket } = await meetOne();
    socket.on('x', () => client.close());
    client.send(text);
    expect((await client.next('exception')).data).toMatchObject({ status: 'error', code });
    await client.settled();
    expect(socket.connected).toBe(true);
    expect(app.log.of('error')).toEqual([]);
  });

  it('34. a binary message that is no UTF-8 is told off, one with JSON is read', async () => {
    const { client, socket } = await meetOne();
    const heard: unknown[] = [];
    socket.on('x', (data: unknown) => heard.push(data));
    client.send(Buffer.from([0xff, 0xfe, 0x00]));
    expect((await client.next('exception')).data).toMatchObject({ code: 'bad_frame' });
    client.send(Buffer.from('{"event":"x","data":"ä"}'));
    await client.settled();
    expect(heard).toEqual(['ä']);
  });

  it('34. malformed messages that go on close the connection, nobody else notices', async () => {
    const { app, server, client, socket } = await meetOne();
    const bystander = await meet(app, server);
    const reasons: string[] = [];
    socket.on('disconnect', (reason: string) => reasons.push(reason));
    for (let i = 0; i < 20; i++) client.send('not json');
    expect((await client.ended()).code).toBe(1008);
    expect(client.frames.length).toBeGreaterThan(0);
    expect(reasons).toEqual(['parse error']);
    await bystander.client.settled();
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
  ])('34. a frame that breaks RFC 6455 ends that connection only: %s', async (_what, bytes, code) => {
    const { app, server, client, socket } = await meetOne();
    const bystander = await meet(app, server);
    const reasons: string[] = [];
    socket.on('disconnect', (reason: string) => reasons.push(reason));
    lineOf(client).write(Buffer.from(bytes));
    expect((await client.ended()).code).toBe(code);
    await until('the socket leaves', () => reasons.length > 0);
    expect(reasons).toEqual(['parse error']);
    await bystander.client.settled();
    expect(app.log.of('error')).toEqual([]);
  });

  it.each(STRANGE)('36. an event, a room or a field called "%s" does not crash or misroute', async (name) => {
    const { app, server, client, socket } = await meetOne();
    if (name !== '__proto__') client.send({ event: name });
    else client.send('{"event":"__proto__"}');
    expect((await client.next('exception')).data).toMatchObject({ code: 'unknown_event' });

    const heard: unknown[] = [];
    const data = JSON.parse(`{"${name}":{"polluted":true}}`);
    socket.on(name, (payload: unknown) => heard.push(payload));
    client.send({ event: name, data });
    await client.settled();
    expect(JSON.stringify(heard)).toBe(JSON.stringify([data]));
    expect(Reflect.get({}, 'polluted')).toBeUndefined();

    await socket.join(name);
    expect([...socket.rooms]).toEqual([socket.id, name]);
    server.to(name).emit(name, data);
    expect(JSON.stringify((await client.next(name)).data)).toBe(JSON.stringify(data));
    expect(app.log.of('error')).toEqual([]);
  });

  it('36. a gateway may subscribe to "__proto__", too', async () => {
    const app = await startApp({ providers: [StrangeGateway] });
    const client = await app.connect();
    expect((await client.ask('__proto__', 1, 'a')).data).toBe(1);
    expect((await client.ask('constructor', 1, 'b')).data).toMatchObject({ code: 'unknown_event' });
    expect(app.nest.get(StrangeGateway).handled).toEqual([1]);
  });

  it('36. what somebody put on Object.prototype is no field of a message', async () => {
    const { app, server, client, socket } = await meetOne();
    const heard: unknown[][] = [];
    socket.on('x', (...args: unknown[]) => heard.push(args));
    const dirt = { event: 'dirt', data: 'dirt', id: 'dirt', ack: 'dirt', stream: true, more: true, meta: 1 };
    for (const [name, value] of Object.entries(dirt)) {
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
      for (const name of Object.keys(dirt)) Reflect.deleteProperty(Object.prototype, name);
    }
    expect(heard).toEqual([[]]);
    const exception = { status: 'error', code: 'bad_event', message: 'event must be a non-empty string' };
    expect(client.frames).toHaveLength(3);
    expect(client.frames).toContainEqual({ event: 'y', data: { own: 1 } });
    expect(client.frames).toContainEqual({ event: 'z', data: { own: 2 } });
    expect(client.frames).toContainEqual({ event: 'exception', data: exception });
    await client.settled();
    expect(app.log.of('error')).toEqual([]);
  });

  it('37. a message that arrives after the socket was disconnected is ignored', async () => {
    const app = await startApp({ providers: [StrangeGateway] });
    const gateway = app.nest.get(StrangeGateway);
    const { client, socket } = await meet(app, gateway.server);
    const heard: unknown[] = [];
    socket.on('kick', () => socket.disconnect());
    socket.onAny((event) => heard.push(event));
    client.send({ event: 'after', data: 'before' });
    client.send({ event: 'kick' });
    for (let i = 0; i < 10; i++) client.send({ event: 'after', data: i, id: i });
    expect((await client.ended()).code).toBe(1000);
    expect(gateway.handled).toEqual(['before']);
    expect(heard).toEqual(['after', 'kick']);
    expect(client.frames).toEqual([]);
  });

  it.each([
    ['a broken frame', 'WS_ERR_UNEXPECTED_RSV_2_3'],
    // ws takes a reset for a close without a handshake, and tells of no error
    ['a reset of the TCP connection', undefined],
  ])('38. %s without an "error" listener does not crash, a listener hears of the error', async (_, code) => {
    const { app, servers } = await serve([{}]);
    const server = servers[0]!;
    const [without, withListener] = [await meet(app, server), await meet(app, server)];
    const errors: Error[] = [];
    withListener.socket.on('error', (error: Error) => errors.push(error));
    for (const { client } of [without, withListener]) {
      if (code === undefined) lineOf(client).resetAndDestroy();
      else lineOf(client).write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0]));
      await client.ended();
    }
    await until('both leave', () => server.sockets.size === 0);
    expect(errors).toMatchObject(code === undefined ? [] : [{ code }]);
    const { client } = await meet(app, server);
    expect(await received(client, 'exception')).toEqual([]);
  });
});
