import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { WebSocket } from 'ws';
import { tolerant, type EnvelopeOptions } from '../../lib/index.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { until } from '../support/wait.js';
import { client, connected, next, startServer } from './fixture.js';
import { TokenGuard } from './fixture-gateway.js';

describe('a client that lost its connection', () => {
  it('reports missed messages if the server does not keep sessions', async () => {
    const { gateway, url } = await startServer();
    const socket = client(url);
    const connects: unknown[] = [];
    const disconnects: unknown[] = [];
    socket.on('connect', (info) => connects.push(info));
    socket.on('disconnect', (...args) => disconnects.push(args));
    await next(socket, 'connect');
    const { id } = socket;
    gateway.last.terminate();
    await next(socket, 'connect');
    expect(connects).toEqual([{ missed: false }, { missed: true }]);
    expect(disconnects).toEqual([
      ['transport close', expect.objectContaining({ code: 1006, willReconnect: true })],
    ]);
    expect(socket.recovered).toBe(false);
    expect(socket.id).not.toBe(id);
  });

  it('resumes its session and misses nothing', async () => {
    const { gateway, url } = await startServer({ adapter: { recovery: true } });
    const socket = await connected(url);
    const received: string[] = [];
    socket.on('said', (text) => received.push(text));
    const { id } = socket;
    for (let round = 0; round < 3; round++) {
      gateway.server.emit('said', `before ${round}`);
      await until('the message', () => received.length === 2 * round + 1);
      const disconnected = next(socket, 'disconnect');
      const reconnected = next(socket, 'connect');
      const { last } = gateway;
      last.request.socket.destroy();
      gateway.server.to('room').emit('said', `away ${round}`);
      await disconnected;
      expect(await reconnected).toEqual([{ missed: false }]);
      expect(socket).toMatchObject({ recovered: true, id });
      await until('the missed message', () => received.length === 2 * round + 2);
    }
    expect(received).toEqual([0, 1, 2].flatMap((round) => [`before ${round}`, `away ${round}`]));
  });

  it('starts a new session after disconnect()', async () => {
    const { url } = await startServer({ adapter: { recovery: true } });
    const socket = await connected(url);
    const { id } = socket;
    socket.disconnect();
    expect(socket).toMatchObject({ state: 'closed', id: undefined, connected: false });
    socket.connect();
    expect(await next(socket, 'connect')).toEqual([{ missed: true }]);
    expect(socket.recovered).toBe(false);
    expect(socket.id).not.toBe(id);
  });

  it('presents fresh credentials at each connect and in reauthenticate()', async () => {
    TokenGuard.tokens.clear();
    TokenGuard.tokens.set('one', { id: 'ada' }).set('two', { id: 'ada' });
    const { app, guarded } = await startServer();
    const given = ['one', 'two', 'three'];
    let asked = 0;
    const socket = client(guarded, { auth: async () => given[asked++] });
    await next(socket, 'connect');
    expect(await socket.emitWithAck('whoami' as never)).toEqual({ id: 'ada' });
    expect(await socket.reauthenticate()).toEqual({});
    expect(asked).toBe(2);
    await expect(socket.reauthenticate()).rejects.toThrow(Error);
    // A refused reauthentication changed nothing.
    expect(await socket.emitWithAck('whoami' as never)).toEqual({ id: 'ada' });
    // The server refuses a new connection with the same credentials as well.
    socket.disconnect().connect();
    const [error] = await next(socket, 'connect_error');
    expect(error).toMatchObject({ name: 'ConnectError', status: 403, willReconnect: false });
    expect(socket.state).toBe('closed');
    await app.close();
  });

  it('reconnects with a fresh token after its token expired', async () => {
    TokenGuard.tokens.clear();
    const { app, guarded } = await startServer();
    let asked = 0;
    const auth = (): string => {
      const token = `token ${++asked}`;
      TokenGuard.tokens.set(token, { id: 'ada' });
      return token;
    };
    const socket = client(guarded, { auth });
    await next(socket, 'connect');
    const disconnected = next(socket, 'disconnect');
    // not in the guard: on a busy machine, the time could pass before the connection opens
    for (const one of app.adapter.create(0, { path: '/guarded' }).sockets.values())
      one.expiresAt = Date.now();
    const [, details] = await disconnected;
    expect(details).toMatchObject({ code: 4401, willReconnect: true });
    await next(socket, 'connect');
    expect(asked).toBe(2);
  });
});

describeWithRedis('a client in a cluster', () => {
  const cleanups: (() => Promise<unknown>)[] = [];
  beforeAll(() => redis.start());
  afterAll(() => Promise.all(cleanups.map((cleanup) => cleanup())));
  // its hook comes last: a client whose Redis has gone waits for another attempt to connect
  const redis = new RedisServer();

  async function node(): Promise<EnvelopeOptions> {
    const broker = createClient({ url: redis.url });
    await broker.on('error', () => undefined).connect();
    cleanups.push(async () => broker.close());
    return { adapter: createAdapter(tolerant(broker), { blockTimeInMs: 200 }), recovery: true };
  }

  it('resumes its session on another node', async () => {
    const [here, there] = [
      await startServer({ adapter: await node() }),
      await startServer({ adapter: await node() }),
    ];
    const addresses = [here.app.port, there.app.port];
    let attempts = 0;
    // Alternates between the nodes like a load balancer.
    class Balanced extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url.replace(/:\d+/, `:${addresses[attempts++ % 2]}`), protocols);
      }
    }
    const socket = await connected(here.url, { WebSocket: Balanced as never });
    const received: string[] = [];
    socket.on('said', (text) => received.push(text));
    const { id } = socket;
    here.gateway.server.emit('said', 'one');
    await until('the message', () => received.length === 1);
    here.gateway.last.request.socket.destroy();
    here.gateway.server.emit('said', 'two');
    expect(await next(socket, 'connect')).toEqual([{ missed: false }]);
    expect(socket).toMatchObject({ id, recovered: true });
    expect(there.gateway.last.id).toBe(id);
    there.gateway.server.emit('said', 'three');
    await until('all messages', () => received.length === 3);
    expect(received).toEqual(['one', 'two', 'three']);
  });
});
