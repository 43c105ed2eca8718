import { Child } from '../support/child.js';
import type { Leaving } from '../support/child/shutdown-server.js';
import { TestClient } from '../support/client.js';
import { OP, RawClient } from '../support/raw-client.js';
import { askForUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';
import type { EnvelopeOptions } from '../../lib/index.js';

const GOING_AWAY = { code: 1001, reason: 'server shutting down' };
const LEFT: Leaving = { path: '/ws', reason: 'server shutting down', code: 1001 };
const KILLED = { code: null, signal: 'SIGTERM' };

const clients: TestClient[] = [];
afterEach(() => clients.splice(0).forEach(({ ws }) => ws.terminate()));

/** A server in a process of its own, and how to connect to it. */
async function start(settings: EnvelopeOptions = {}) {
  const server = await Child.start('shutdown-server', { settings });
  const port = await server.ask<number>('port');
  const connect = async (path = '/ws'): Promise<TestClient> => {
    const client = new TestClient(`ws://127.0.0.1:${port}${path}`);
    clients.push(client);
    await client.opened();
    return client;
  };
  /** Resolves when the server lets nobody in any more, with its answer. */
  const refused = async (path = '/ws') => {
    let answer = await askForUpgrade(port, path);
    await until('a refusal', async () => {
      if (answer.status === 101) answer = await askForUpgrade(port, path);
      return answer.status !== 101;
    });
    return answer;
  };
  return { server, port, connect, refused };
}

describe('SIGTERM with shutdown hooks', () => {
  it('lets handlers finish, while nobody new gets in and nothing new is begun', async () => {
    const { server, connect, refused } = await start({ shutdownTimeout: 20_000 });
    const [busy, idle] = [await connect(), await connect()];
    busy.send({ event: 'work', id: 1 });
    await server.hears('working');
    server.signal('SIGTERM');

    expect(await refused()).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1', connection: 'close' },
      body: JSON.stringify({
        statusCode: 503,
        message: 'The server is shutting down',
        error: 'Service Unavailable',
      }),
    });
    for (const client of [busy, idle]) {
      const data = expect.objectContaining({ code: 'going_away' });
      expect(await client.ask('echo', 1, 2)).toEqual({ event: 'exception', ack: 2, data });
      client.send({ event: 'echo', data: 1 });
      expect(await client.next('exception')).toEqual({ event: 'exception', data });
      // the protocol's own still works
      await client.ask('$ping');
    }

    await server.ask('release');
    const { id } = await busy.next('confirm');
    busy.send({ ack: id!, data: 'confirmed' });
    expect(await busy.answer(1)).toEqual({ event: 'work', ack: 1, data: 'confirmed' });
    for (const client of [busy, idle]) expect(await client.ended()).toEqual(GOING_AWAY);
    expect(busy.frames.slice(-3).map(({ event }) => event)).toEqual(['confirm', 'news', 'work']);
    expect(idle.frames.at(-1)).toEqual({ event: 'news', data: 'confirmed' });
    expect(await server.exited).toEqual(KILLED);
    // refused() may have got in before the signal did, and left
    const left = server.heard('left').filter((value) => (value as Leaving).code === 1001);
    expect(left).toEqual([LEFT, LEFT]);
  }, 30_000);

  it('waits for no handler longer than shutdownTimeout', async () => {
    const { server, connect } = await start({ shutdownTimeout: 700 });
    const client = await connect();
    client.send({ event: 'hang', id: 1 });
    client.send({ event: 'hang' });
    await server.hears('working', 2);
    const begun = performance.now();
    server.signal('SIGTERM');
    expect(await client.ended()).toEqual(GOING_AWAY);
    expect(performance.now() - begun).toBeGreaterThan(690);
    expect(performance.now() - begun).toBeLessThan(3_000);
    expect(client.frames).toEqual([]);
    expect(await server.exited).toEqual(KILLED);
    expect(server.heard('left')).toEqual([LEFT]);
  }, 30_000);

  it('does not wait for streams, which have no end', async () => {
    const { server, connect } = await start({ shutdownTimeout: 20_000 });
    const client = await connect();
    client.send({ event: 'ticks', id: 1, stream: true });
    client.send({ event: 'ticks' });
    await client.until('both streams', () => {
      const last = client.frames.slice(-6);
      return last.some(({ ack }) => ack === 1) && last.some(({ ack }) => ack === undefined);
    });
    server.signal('SIGTERM');
    // patience is five seconds here
    expect(await client.ended()).toEqual(GOING_AWAY);
    expect(await server.exited).toEqual(KILLED);
  }, 30_000);

  it('refuses whose guards are being asked', async () => {
    const { server, port } = await start();
    const answer = askForUpgrade(port, '/guarded');
    await server.hears('guarding');
    server.signal('SIGTERM');
    expect(await answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(await server.exited).toEqual(KILLED);
    expect(server.heard('left')).toEqual([]);
  }, 30_000);

  it('cuts a client that does not answer the close frame, and leaves other requests alone', async () => {
    const { server, port } = await start();
    const response = await fetch(`http://127.0.0.1:${port}/long`);
    const silent = await RawClient.connect(port, '/ws');
    server.signal('SIGTERM');
    const { opcode, payload } = await silent.frame();
    expect([opcode, payload.readUInt16BE()]).toEqual([OP.close, 1001]);
    expect(await silent.over()).toHaveLength(0);
    expect(await server.hears('left')).toEqual([LEFT]);

    // a response that is on its way comes to its end, and only then the process does
    await server.ask('releasePage');
    expect(await response.text()).toBe('the beginning, the end');
    expect(await server.exited).toEqual(KILLED);
  }, 30_000);
});

describe('closing the application', () => {
  it('works twice at once, and once more', async () => {
    const { server, connect } = await start();
    const [client, other] = [await connect(), await connect('/other')];
    await server.ask('closeTwice');
    for (const each of [client, other]) expect(await each.ended()).toEqual(GOING_AWAY);
    const left = server.heard('left') as Leaving[];
    expect(left.map(({ path }) => path).sort()).toEqual(['/other', '/ws']);
    expect(await server.exited).toEqual({ code: 0, signal: null });
  }, 30_000);

  it('closes one path alone, and then the rest', async () => {
    const { server, port, connect } = await start();
    const [client, other] = [await connect(), await connect('/other')];
    await server.ask('closeOther');
    expect(await other.ended()).toEqual(GOING_AWAY);
    expect((await askForUpgrade(port, '/other')).status).toBe(503);
    expect(await client.ask('echo', 1, 1)).toMatchObject({ ack: 1, data: 1 });
    await connect();
    server.signal('SIGTERM');
    expect(await server.exited).toEqual(KILLED);
    expect(server.heard('left')).toEqual([{ ...LEFT, path: '/other' }, LEFT, LEFT]);
  }, 30_000);

  it('gives an answer to everyone who connects meanwhile', async () => {
    const { server, port } = await start();
    const outcomes: Promise<string>[] = [];
    const attempt = async (): Promise<string> => {
      const client = new TestClient(`ws://127.0.0.1:${port}/ws`);
      clients.push(client);
      try {
        await client.opened();
      } catch (error) {
        // 404: past dispose() no listener for upgrades is left, and the request is one for the HTTP platform
        const expected = /\b(503|404|ECONNREFUSED|ECONNRESET|socket hang up)\b/.exec(String(error));
        return expected === null ? String(error) : 'refused';
      }
      return String((await client.ended()).code);
    };
    for (let count = 0; count < 200; count++) {
      outcomes.push(attempt());
      if (count === 60) server.signal('SIGTERM');
      await new Promise((resolve) => setImmediate(resolve));
    }
    const seen = await Promise.all(outcomes);
    expect(new Set(seen)).toEqual(new Set(['1001', 'refused']));
    expect(await server.exited).toEqual(KILLED);
    const left = server.heard('left');
    // those that were let in too late for the gateways were closed all the same
    expect(left.length).toBeLessThanOrEqual(seen.filter((outcome) => outcome === '1001').length);
    expect(new Set(left.map((value) => JSON.stringify(value)))).toEqual(new Set([JSON.stringify(LEFT)]));
  }, 30_000);
});
