import { jest } from '@jest/globals';
import { connect, type ClientSocket, type Credentials } from '../../lib/client/node.js';
import {
  ScriptedServer,
  type ClientConnection,
  type Frame,
} from '../../lib/conformance/client/scripted-server.js';
import { stopClock } from '../support/clock.js';
import { deferred } from '../support/wait.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FEATURES = ['ack', 'stream', 'cancel', 'ping', 'auth'];
const NO = { status: 'error', message: 'no' };

let server: ScriptedServer;
const sockets: ClientSocket[] = [];
let tokens = 0;

beforeEach(async () => {
  tokens = 0;
  server = await ScriptedServer.start();
  // the network stays real; the client's pings would come first in a long time
  stopClock();
});
afterEach(async () => {
  jest.useRealTimers();
  for (const socket of sockets.splice(0)) socket.disconnect();
  await server.stop();
  expect(server.all.flatMap(({ violations }) => violations)).toEqual([]);
});

const freshToken = (): string => `token ${++tokens}`;

/** Connects a client to a server that sends these fields in `$session`. */
async function open(
  session: object,
  auth: () => Credentials | Promise<Credentials> = freshToken,
): Promise<{ socket: ClientSocket; connection: ClientConnection }> {
  const socket = connect(server.url, { auth, pingInterval: 0 });
  sockets.push(socket);
  socket.on('question', () => undefined);
  const connection = await server.connection();
  await greet(socket, connection, session);
  return { socket, connection };
}

async function greet(socket: ClientSocket, connection: ClientConnection, session: object): Promise<void> {
  const opened = new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  connection.sendSession({ features: FEATURES, ...session });
  await opened;
}

/** Returns all `$auth` that the client has sent so far. */
async function sent(connection: ClientConnection): Promise<Frame[]> {
  await connection.settled();
  return connection.frames.all.filter(({ event, ack }) => event === '$auth' && ack === undefined);
}

/** Returns how many `$auth` the client has sent after this time. */
async function sentAfter(connection: ClientConnection, time: number): Promise<number> {
  jest.advanceTimersByTime(time);
  return (await sent(connection)).length;
}

/** Answers the last `$auth`, and waits until the client has read the answer. */
async function answer(connection: ClientConnection, message: object): Promise<void> {
  const { id } = (await sent(connection)).at(-1)!;
  connection.send({ ack: id, ...message });
  await connection.settled();
}

describe('the time at which a client renews', () => {
  it('is 75 to 85 percent of the lifetime, at random', async () => {
    const opened = await Promise.all(Array.from({ length: 30 }, () => open({ expiresIn: HOUR })));
    const sentBy = async (part: number): Promise<number> => {
      jest.setSystemTime(startedAt + part * HOUR);
      jest.advanceTimersByTime(10_000);
      const lists = await Promise.all(opened.map(({ connection }) => sent(connection)));
      return lists.flat().length;
    };
    const startedAt = Date.now();
    expect(await sentBy(0.745)).toBe(0);
    const half = await sentBy(0.8);
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(30);
    expect(await sentBy(0.855)).toBe(30);
  });

  it.each([
    ['an hour fast', HOUR],
    ['an hour slow', -HOUR],
  ])('does not depend on the clock of the server, which is %s', async (_, offset) => {
    const { connection } = await open({ expiresAt: Date.now() + 60_000 + offset, expiresIn: 60_000 });
    expect(await sentAfter(connection, 44_000)).toBe(0);
    expect(await sentAfter(connection, 8_000)).toBe(1);
    await answer(connection, { data: { expiresAt: Date.now() + 60_000 + offset, expiresIn: 60_000 } });
    expect(await sentAfter(connection, 44_000)).toBe(1);
    expect(await sentAfter(connection, 8_000)).toBe(2);
  });

  it('follows expiresAt where a server tells that alone', async () => {
    const { connection } = await open({ expiresAt: Date.now() + 60_000 });
    expect(await sentAfter(connection, 44_000)).toBe(0);
    expect(await sentAfter(connection, 8_000)).toBe(1);
  });

  it('does not move when the clock of the device is set back', async () => {
    const { connection } = await open({ expiresIn: HOUR });
    jest.setSystemTime(Date.now() - DAY);
    expect(await sentAfter(connection, 0.86 * HOUR)).toBe(1);
  });

  it('may be beyond the maximum delay of a timer', async () => {
    const { connection } = await open({ expiresIn: 400 * DAY });
    for (const [days, count] of [
      [1, 0],
      [30, 0],
      [268, 0],
      [42, 1],
    ] as const) {
      jest.setSystemTime(Date.now() + days * DAY);
      expect(await sentAfter(connection, 10_000)).toBe(count);
    }
  });

  it('is at once when the device wakes after it', async () => {
    const { connection } = await open({ expiresIn: HOUR });
    expect(await sentAfter(connection, 60_000)).toBe(0);
    // timers and the monotonic clock stand still while it sleeps
    jest.setSystemTime(Date.now() + 0.9 * HOUR);
    expect(await sentAfter(connection, 10_000)).toBe(1);
  });

  it.each([
    ['nothing', {}],
    ['null', { expiresAt: null, expiresIn: null }],
    ['text', { expiresIn: 'soon' }],
    ['objects', { expiresAt: {}, expiresIn: [] }],
    ['the past', { expiresAt: 5, expiresIn: -5 }],
    ['no feature auth', { expiresIn: 60_000, features: ['ack'] }],
    ['no list of features', { expiresIn: 60_000, features: 'auth' }],
  ])('never comes where the server tells %s', async (_, session) => {
    const { connection } = await open(session);
    expect(await sentAfter(connection, HOUR)).toBe(0);
    expect(connection.ws.readyState).toBe(1);
  });
});

describe('a renewal', () => {
  it('is repeated within the remaining time, whether the server refuses it or auth throws', async () => {
    let calls = 0;
    const { connection } = await open({ expiresIn: HOUR }, () => {
      if (++calls === 3) throw new Error('offline');
      return `token ${calls}`;
    });
    const expiresAt = Date.now() + HOUR;
    const untilCall = async (number: number): Promise<void> => {
      for (; calls < number; await connection.settled()) jest.advanceTimersByTime(1_000);
      expect(Date.now()).toBeLessThan(expiresAt);
    };
    await untilCall(2);
    await answer(connection, { event: 'exception', data: NO });
    await untilCall(4);
    expect(await sent(connection)).toMatchObject([
      { data: { token: 'token 2' } },
      { data: { token: 'token 4' } },
    ]);
    await answer(connection, { data: { expiresIn: DAY } });
    expect(await sentAfter(connection, 0.74 * DAY)).toBe(2);
    expect(await sentAfter(connection, 0.12 * DAY)).toBe(3);
  });

  it('is given up when too little time remains', async () => {
    const { connection } = await open({ expiresIn: 60_000 });
    let count = 0;
    for (let time = 0; time < 60_000; time += 100) {
      jest.advanceTimersByTime(100);
      if ((await sent(connection)).length === count) continue;
      count++;
      await answer(connection, { event: 'exception', data: NO });
    }
    expect(count).toBeGreaterThan(1);
    expect(count).toBeLessThan(6);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('ends with its connection: the next one sent fresh credentials already', async () => {
    const slow = deferred<string>();
    const { socket, connection } = await open({ expiresIn: HOUR }, () =>
      ++tokens === 2 ? slow.promise : `token ${tokens}`,
    );
    jest.advanceTimersByTime(0.86 * HOUR);
    expect(tokens).toBe(2);
    const lost = new Promise<void>((resolve) => socket.once('disconnect', () => resolve()));
    connection.ws.terminate();
    await lost;
    jest.advanceTimersByTime(1_000);
    const next = await server.connection();
    expect(next.auth).toEqual({ token: 'token 3' });
    slow.resolve('token 2');
    await greet(socket, next, { expiresIn: HOUR });
    expect(await sentAfter(next, 0.74 * HOUR)).toBe(0);
    expect(await sentAfter(next, 0.12 * HOUR)).toBe(1);
  });

  it('leaves no timer after disconnect()', async () => {
    const { socket } = await open({ expiresIn: HOUR });
    expect(jest.getTimerCount()).toBe(1);
    socket.disconnect();
    jest.advanceTimersByTime(HOUR);
    expect(tokens).toBe(1);
  });

  it('waits for one that the application began, and the other way round', async () => {
    const { socket, connection } = await open({ expiresIn: HOUR });
    const results = [socket.reauthenticate(), socket.reauthenticate()];
    expect(await sent(connection)).toMatchObject([{ data: { token: 'token 2' } }]);
    await answer(connection, { event: 'exception', data: NO });
    await expect(results[0]).rejects.toThrow('no');
    expect(await sent(connection)).toHaveLength(2);
    await answer(connection, { data: { expiresIn: DAY } });
    expect(await results[1]).toEqual({ expiresIn: DAY });
    // the time of the first token no longer counts
    expect(await sentAfter(connection, HOUR)).toBe(2);
  });
});
