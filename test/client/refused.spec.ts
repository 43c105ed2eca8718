import { ConnectError, RequestError, type ClientSocket } from '../../lib/client/node.js';
import { RecoveringClient } from '../recovery/recovery-client.js';
import { startBareApp } from '../support/bare-gateway.js';
import { deferred, until } from '../support/wait.js';
import { client, next, QUICK, startServer } from './fixture.js';

const badToken = (): Error => Object.assign(new Error('bad token'), { data: { code: 7 } });

/** Records all states and connection events of a client. */
function record(socket: ClientSocket<never, never>): unknown[] {
  const seen: unknown[] = [];
  socket.onState((state) => seen.push(state));
  for (const event of ['connect', 'disconnect', 'connect_error'] as const)
    socket.on(event, ((...args: unknown[]) => seen.push([event, args[0]])) as never);
  socket.onAny((event) => seen.push(['event', event]));
  return seen;
}

describe('a client that a connection middleware refuses', () => {
  it.each(['at once', 'later'])('emits only connect_error, with message and data: %s', async (when) => {
    const { gateway, url } = await startServer();
    gateway.server.use(async (socket, refuse) => {
      socket.emit('said', 'a moment');
      if (when === 'later') await new Promise(setImmediate);
      refuse(badToken());
    });
    const socket = client<never, never>(url);
    const seen = record(socket);
    socket.emit('say' as never, ...(['never delivered'] as never));
    const [error] = await next<ConnectError>(socket, 'connect_error');
    expect(seen).toEqual(['connecting', 'closed', ['connect_error', error]]);
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({
      message: 'bad token',
      data: { code: 7 },
      code: 1008,
      willReconnect: false,
    });
    expect(error!.cause).toBeInstanceOf(RequestError);
    expect(error!.cause).toMatchObject({ data: { status: 'error', code: 'refused', message: 'bad token' } });
    expect(socket).toMatchObject({ state: 'closed', connected: false, id: undefined });
    expect([gateway.clients, gateway.said]).toEqual([[], []]);
  });

  it('rejects queued requests with the same message', async () => {
    const { gateway, url } = await startServer();
    gateway.server.use((_socket, refuse) => refuse(badToken()));
    await expect(client(url).emitWithAck('sum', [1])).rejects.toThrow('bad token');
  });

  it('connects after a later attempt is accepted, and keeps refusals apart', async () => {
    const { gateway, url } = await startServer();
    const refusals: (Error | undefined)[] = [badToken(), undefined];
    gateway.server.use((_socket, done) => done(refusals.shift()));
    const socket = client(url);
    await next(socket, 'connect_error');
    socket.connect();
    await next(socket, 'connect');
    expect(await socket.emitWithAck('sum', [1, 2])).toBe(3);
    gateway.last.disconnect();
    await next(socket, 'disconnect');
    gateway.server.use((_socket, _done) => _socket.disconnect());
    socket.connect();
    const [error] = await next<ConnectError>(socket, 'connect_error');
    expect(error).toMatchObject({ message: 'could not connect: closed with 1000', code: 1000 });
    expect(error!.data).toBeUndefined();
  });

  it('tries again if the middleware did not settle in time', async () => {
    const { gateway, url } = await startServer({ adapter: { connectTimeout: 50 } });
    gateway.server.use(() => undefined);
    const socket = client<never, never>(url);
    const seen = record(socket);
    const [error] = await next<ConnectError>(socket, 'connect_error');
    expect(error).toMatchObject({ code: 1011, willReconnect: true });
    expect(seen).toEqual(['connecting', 'waiting', ['connect_error', error]]);
  });
});

describe('a client that a connection middleware accepts', () => {
  it('connects after the middleware, and receives what it emitted', async () => {
    const { gateway, url } = await startServer();
    const gate = deferred();
    const waiting = deferred();
    gateway.server.use(async (socket, done) => {
      socket.emit('said', 'early');
      waiting.resolve();
      await gate.promise;
      socket.emit('said', 'late');
      done();
    });
    const socket = client(url, QUICK);
    const said: string[] = [];
    socket.on('said', (text) => said.push(text));
    await waiting.promise;
    expect(socket.state).toBe('connecting');
    gate.resolve();
    await next(socket, 'connect');
    await socket.emitWithAck('sum', []);
    expect(said).toEqual(['early', 'late']);
  });
});

describe('$session', () => {
  it('is sent after the middlewares, before everything that they sent', async () => {
    const { app, server } = await startBareApp();
    const sent: unknown[] = [];
    server.use(async (socket, done) => {
      socket.emit('one');
      await new Promise(setImmediate);
      socket.send('{"event":"two"}', { binary: true }, () => sent.push('two'));
      socket.send(Buffer.from('{"event":"three"}'), () => sent.push('three'));
      socket.send('{"event":"four"}', { compress: false });
      socket.emit('five');
      await new Promise(setImmediate);
      expect(socket.bufferedAmount).toBeGreaterThan(0);
      done();
    });
    const ada = await app.connect('/ws', { protocols: ['envelope.v1'] });
    await ada.next('five');
    expect(ada.frames.map(({ event }) => event)).toEqual(['$session', 'one', 'two', 'three', 'four', 'five']);
    expect(sent).toEqual(['two', 'three']);
  });

  it('is not sent if a middleware refuses or disconnects the client', async () => {
    const { app, server } = await startBareApp();
    let isRefused = true;
    server.use((socket, done) => {
      socket.emit('why');
      if (isRefused) done(badToken());
      else socket.disconnect();
    });
    const ada = await app.connect('/ws', { protocols: ['envelope.v1'] });
    expect(await ada.ended()).toEqual({ code: 1008, reason: 'bad token' });
    expect(ada.frames.map(({ event }) => event)).toEqual(['why', 'exception']);
    isRefused = false;
    const bob = await app.connect('/ws', { protocols: ['envelope.v1'] });
    expect((await bob.ended()).code).toBe(1000);
    expect(bob.frames.map(({ event }) => event)).toEqual(['why']);
  });

  it('does not delay a client without the subprotocol, which a middleware may ask', async () => {
    const { app, server } = await startBareApp();
    const answers: unknown[] = [];
    server.use(async (socket, done) => {
      answers.push(await socket.timeout(4_000).emitWithAck('password?'));
      done();
    });
    const ada = await app.connect('/ws');
    const { id } = await ada.next('password?');
    ada.send({ ack: id!, data: 'please' });
    await until('the middleware', () => server.sockets.size === 1);
    expect(answers).toEqual(['please']);
  });

  it('is not delayed without a limit: too much output of a middleware closes the connection', async () => {
    const { app, server } = await startBareApp({ limits: { maxBufferedBytes: 200_000 } });
    server.use((socket) => {
      for (let i = 0; i < 10; i++) socket.emit('much', 'x'.repeat(50_000));
    });
    const ada = await app.connect('/ws', { protocols: ['envelope.v1'] });
    expect((await ada.ended()).code).toBe(1013);
    expect(server._connecting.size).toBe(0);
  });

  it('resumes a session despite slow middlewares', async () => {
    const { app, server } = await startBareApp({ recovery: true });
    server.use((_socket, done) => void setImmediate(done));
    const ada = await new RecoveringClient().connect(app);
    await ada.cut();
    await until('the disconnect', () => server.sockets.size === 0);
    server.emit('missed');
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(true);
    expect(await ada.settled()).toEqual(['missed']);
  });
});
