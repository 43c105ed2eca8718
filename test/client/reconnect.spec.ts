import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { WebSocket } from 'ws';
import { tolerant, type EnvelopeOptions } from '../../lib/index.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { until } from '../support/wait.js';
import { client, connected, next, startTalk } from './fixture.js';
import { TokenGuard } from './fixture-gateway.js';

describe('a client that has lost its line', () => {
  it('is told that it missed something, where the server keeps nothing', async () => {
    const { talk, url } = await startTalk();
    const socket = client(url);
    const connects: unknown[] = [];
    const ends: unknown[] = [];
    socket.on('connect', (info) => connects.push(info));
    socket.on('disconnect', (...end) => ends.push(end));
    await next(socket, 'connect');
    const { id } = socket;
    talk.last.terminate();
    await next(socket, 'connect');
    expect(connects).toEqual([{ missed: false }, { missed: true }]);
    expect(ends).toEqual([['transport close', expect.objectContaining({ code: 1006, willReconnect: true })]]);
    expect(socket.recovered).toBe(false);
    expect(socket.id).not.toBe(id);
  });

  it('goes on with its session, and misses nothing', async () => {
    const { talk, url } = await startTalk({ adapter: { recovery: true } });
    const socket = await connected(url);
    const heard: string[] = [];
    socket.on('said', (text) => heard.push(text));
    const { id } = socket;
    for (let round = 0; round < 3; round++) {
      talk.server.emit('said', `before ${round}`);
      await until('it', () => heard.length === 2 * round + 1);
      const gone = next(socket, 'disconnect');
      const back = next(socket, 'connect');
      const { last } = talk;
      last.request.socket.destroy();
      talk.server.to('room').emit('said', `away ${round}`);
      await gone;
      expect(await back).toEqual([{ missed: false }]);
      expect(socket).toMatchObject({ recovered: true, id });
      await until('what was missed', () => heard.length === 2 * round + 2);
    }
    expect(heard).toEqual([0, 1, 2].flatMap((round) => [`before ${round}`, `away ${round}`]));
  });

  it('begins anew after a goodbye', async () => {
    const { url } = await startTalk({ adapter: { recovery: true } });
    const socket = await connected(url);
    const { id } = socket;
    socket.disconnect();
    expect(socket).toMatchObject({ state: 'closed', id: undefined, connected: false });
    socket.connect();
    expect(await next(socket, 'connect')).toEqual([{ missed: true }]);
    expect(socket.recovered).toBe(false);
    expect(socket.id).not.toBe(id);
  });

  it('presents fresh credentials each time, and in place', async () => {
    TokenGuard.tokens.clear();
    TokenGuard.tokens.set('one', { id: 'ada' }).set('two', { id: 'ada' });
    const { app, guarded } = await startTalk();
    const given = ['one', 'two', 'three'];
    let asked = 0;
    const socket = client(guarded, { auth: async () => given[asked++] });
    await next(socket, 'connect');
    expect(await socket.emitWithAck('whoami' as never)).toEqual({ id: 'ada' });
    expect(await socket.reauthenticate()).toEqual({});
    expect(asked).toBe(2);
    await expect(socket.reauthenticate()).rejects.toThrow(Error);
    // that left everything as it was
    expect(await socket.emitWithAck('whoami' as never)).toEqual({ id: 'ada' });
    // a server that goes on refusing says so
    socket.disconnect().connect();
    const [error] = await next(socket, 'connect_error');
    expect(error).toMatchObject({ name: 'ConnectError', status: 403, willReconnect: false });
    expect(socket.state).toBe('closed');
    await app.close();
  });

  it('comes back with a fresh token when its own has expired', async () => {
    TokenGuard.tokens.clear();
    const { guarded } = await startTalk();
    let asked = 0;
    const auth = (): string => {
      const token = `token ${++asked}`;
      TokenGuard.tokens.set(token, { id: 'ada', ...(asked === 1 && { expiresAt: Date.now() + 200 }) });
      return token;
    };
    const socket = client(guarded, { auth });
    await next(socket, 'connect');
    const [, details] = await next(socket, 'disconnect');
    expect(details).toMatchObject({ code: 4401, willReconnect: true });
    await next(socket, 'connect');
    expect(asked).toBe(2);
  });
});

describeWithRedis('a client in a cluster', () => {
  const redis = new RedisServer();
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(() => redis.start());
  afterAll(() => Promise.all(ends.map((end) => end())));

  async function node(): Promise<EnvelopeOptions> {
    const broker = createClient({ url: redis.url });
    await broker.on('error', () => undefined).connect();
    ends.push(async () => broker.close());
    return { adapter: createAdapter(tolerant(broker), { blockTimeInMs: 200 }), recovery: true };
  }

  it('goes on with its session on another node', async () => {
    const [here, there] = [
      await startTalk({ adapter: await node() }),
      await startTalk({ adapter: await node() }),
    ];
    const addresses = [here.app.port, there.app.port];
    let attempts = 0;
    // as a load balancer would
    class Balanced extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url.replace(/:\d+/, `:${addresses[attempts++ % 2]}`), protocols);
      }
    }
    const socket = await connected(here.url, { WebSocket: Balanced as never });
    const heard: string[] = [];
    socket.on('said', (text) => heard.push(text));
    const { id } = socket;
    here.talk.server.emit('said', 'one');
    await until('it', () => heard.length === 1);
    here.talk.last.request.socket.destroy();
    here.talk.server.emit('said', 'two');
    expect(await next(socket, 'connect')).toEqual([{ missed: false }]);
    expect(socket).toMatchObject({ id, recovered: true });
    expect(there.talk.last.id).toBe(id);
    there.talk.server.emit('said', 'three');
    await until('all', () => heard.length === 3);
    expect(heard).toEqual(['one', 'two', 'three']);
  });
});
