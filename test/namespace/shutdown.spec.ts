import { Child } from '../support/child.js';
import type { Disconnection } from '../support/child/shutdown-server.js';
import { TestClient } from '../support/client.js';
import { OP, RawClient } from '../support/raw-client.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';
import type { EnvelopeOptions } from '../../lib/index.js';

const GOING_AWAY = { code: 1001, reason: 'server shutting down' };
const DISCONNECT: Disconnection = { path: '/ws', reason: 'server shutting down', code: 1001 };
const KILLED = { code: null, signal: 'SIGTERM' };

const clients: TestClient[] = [];
afterEach(() => clients.splice(0).forEach(({ ws }) => ws.terminate()));

/** Starts a server in a separate process. @returns the server and functions to connect to it */
async function start(settings: EnvelopeOptions = {}) {
  const server = await Child.start('shutdown-server', { settings });
  const port = await server.ask<number>('port');
  const connect = async (path = '/ws'): Promise<TestClient> => {
    const client = new TestClient(`ws://127.0.0.1:${port}${path}`);
    clients.push(client);
    await client.opened();
    return client;
  };
  /** Resolves with the response when the server refuses an upgrade. */
  const refused = async (path = '/ws') => {
    let answer = await requestUpgrade(port, path);
    await until('a refusal', async () => {
      if (answer.status === 101) answer = await requestUpgrade(port, path);
      return answer.status !== 101;
    });
    return answer;
  };
  return { server, port, connect, refused };
}

describe('SIGTERM with shutdown hooks', () => {
  it('lets running handlers finish and refuses new clients and new messages', async () => {
    const { server, connect, refused } = await start({ shutdownTimeout: 20_000 });
    const [busy, idle] = [await connect(), await connect()];
    busy.send({ event: 'work', id: 1 });
    await server.waitFor('working');
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
      // Events of the protocol still work.
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
    // A client of refused() may have connected and disconnected before the signal arrived.
    const left = server.valuesOf('left').filter((value) => (value as Disconnection).code === 1001);
    expect(left).toEqual([DISCONNECT, DISCONNECT]);
  });

  it('waits no longer than shutdownTimeout for a handler', async () => {
    const { server, connect } = await start({ shutdownTimeout: 700 });
    const client = await connect();
    client.send({ event: 'hang', id: 1 });
    client.send({ event: 'hang' });
    await server.waitFor('working', 2);
    const begun = performance.now();
    server.signal('SIGTERM');
    expect(await client.ended()).toEqual(GOING_AWAY);
    expect(performance.now() - begun).toBeGreaterThan(690);
    // the default is 5,000
    expect(performance.now() - begun).toBeLessThan(4_500);
    expect(client.frames).toEqual([]);
    expect(await server.exited).toEqual(KILLED);
    expect(server.valuesOf('left')).toEqual([DISCONNECT]);
  });

  it('does not wait for streams, which never end', async () => {
    const { server, connect } = await start({ shutdownTimeout: 300_000 });
    const client = await connect();
    client.send({ event: 'ticks', id: 1, stream: true });
    client.send({ event: 'ticks' });
    await client.until('both streams', () => {
      const last = client.frames.slice(-6);
      return last.some(({ ack }) => ack === 1) && last.some(({ ack }) => ack === undefined);
    });
    server.signal('SIGTERM');
    // The test lasts a minute at most, far less than shutdownTimeout.
    expect(await client.ended()).toEqual(GOING_AWAY);
    expect(await server.exited).toEqual(KILLED);
  });

  it('refuses a client whose guards are still running', async () => {
    const { server, port } = await start();
    const answer = requestUpgrade(port, '/guarded');
    await server.waitFor('guarding');
    server.signal('SIGTERM');
    expect(await answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(await server.exited).toEqual(KILLED);
    expect(server.valuesOf('left')).toEqual([]);
  });

  it('terminates a client that does not answer the close frame, and lets HTTP requests finish', async () => {
    const { server, port } = await start();
    const response = await fetch(`http://127.0.0.1:${port}/long`);
    const client = await RawClient.connect(port, '/ws');
    server.signal('SIGTERM');
    const { opcode, payload } = await client.frame();
    expect([opcode, payload.readUInt16BE()]).toEqual([OP.close, 1001]);
    expect(await client.ended()).toHaveLength(0);
    expect(await server.waitFor('left')).toEqual([DISCONNECT]);

    // A pending response is completed, and only then the process ends.
    await server.ask('releasePage');
    expect(await response.text()).toBe('the beginning, the end');
    expect(await server.exited).toEqual(KILLED);
  });
});

describe('closing the application', () => {
  it('works twice at the same time, and a third time', async () => {
    const { server, connect } = await start();
    const [client, other] = [await connect(), await connect('/other')];
    await server.ask('closeTwice');
    for (const each of [client, other]) expect(await each.ended()).toEqual(GOING_AWAY);
    const left = server.valuesOf('left') as Disconnection[];
    expect(left.map(({ path }) => path).sort()).toEqual(['/other', '/ws']);
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  it('closes one path first, and then the rest', async () => {
    const { server, port, connect } = await start();
    const [client, other] = [await connect(), await connect('/other')];
    await server.ask('closeOther');
    expect(await other.ended()).toEqual(GOING_AWAY);
    expect((await requestUpgrade(port, '/other')).status).toBe(503);
    expect(await client.ask('echo', 1, 1)).toMatchObject({ ack: 1, data: 1 });
    await connect();
    server.signal('SIGTERM');
    expect(await server.exited).toEqual(KILLED);
    expect(server.valuesOf('left')).toEqual([{ ...DISCONNECT, path: '/other' }, DISCONNECT, DISCONNECT]);
  });

  it('answers every client that connects meanwhile', async () => {
    const { server, port } = await start();
    const outcomes: Promise<string>[] = [];
    const attempt = async (): Promise<string> => {
      const client = new TestClient(`ws://127.0.0.1:${port}/ws`);
      clients.push(client);
      try {
        await client.opened();
      } catch (error) {
        // 404: after dispose() no upgrade listener is left, and the HTTP platform answers.
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
    const left = server.valuesOf('left');
    // Clients that were accepted too late for the gateways were closed as well.
    expect(left.length).toBeLessThanOrEqual(seen.filter((outcome) => outcome === '1001').length);
    expect(new Set(left.map((value) => JSON.stringify(value)))).toEqual(
      new Set([JSON.stringify(DISCONNECT)]),
    );
  });
});
