import { type ConnectionState } from '../../lib/client/node.js';
import { until } from '../support/wait.js';
import { behind, client, connected, next, startTalk } from './fixture.js';

/** Does something the first time that a client gets into a state. */
function once(socket: ReturnType<typeof client>, state: ConnectionState, then: () => unknown): void {
  const stop = socket.onState((now) => {
    if (now !== state) return;
    stop();
    then();
  });
}

describe('whoever hears of a state', () => {
  it('may leave as soon as there is a line', async () => {
    const { talk, url, line } = await behind(await startTalk({ adapter: { shutdownTimeout: 100 } }));
    const socket = client(url, { pingInterval: 20, pingTimeout: 20 });
    const told: unknown[] = [];
    socket.on('connect', () => told.push('connect')).on('disconnect', (why) => told.push(why));
    once(socket, 'open', () => socket.disconnect());
    await expect(socket.emitWithAck('sum', [1])).rejects.toThrow('disconnected');
    // no connect after that
    expect(told).toEqual(['io client disconnect']);
    await until('the client has gone', () => talk.server.clients.size === 0);
    const other = await connected(url);
    // more than the other's pings would have taken
    await expect(other.timeout(80).emitWithAck('never')).rejects.toThrow('timed out');
    expect(socket.state).toBe('closed');
    expect(line.attempts.length).toBe(2);
  });

  it('may leave while there is none', async () => {
    const { talk, url } = await startTalk();
    const socket = await connected(url);
    once(socket, 'waiting', () => socket.disconnect());
    talk.last.terminate();
    expect(await next(socket, 'disconnect')).toMatchObject(['transport close', { willReconnect: false }]);
    expect(socket.state).toBe('closed');
    expect(socket.emit('say', 'nobody')).toBe(false);
    once(socket, 'connecting', () => socket.disconnect());
    socket.connect();
    expect(socket.state).toBe('closed');
    const other = await connected(url);
    await other.emitWithAck('sum', []);
    expect(talk.clients.length).toBe(2);
  });

  it('may leave on connect, and come back on disconnect', async () => {
    const { talk, url } = await startTalk();
    const socket = client(url);
    socket.once('connect', () => socket.disconnect());
    socket.once('disconnect', () => socket.connect().emit('say', 'two'));
    socket.emit('say', 'one');
    expect(await next(socket, 'disconnect')).toMatchObject([
      'io client disconnect',
      { willReconnect: false },
    ]);
    expect(await next(socket, 'connect')).toEqual([{ missed: true }]);
    await socket.emitWithAck('sum', []);
    expect(talk.said).toEqual(['one', 'two']);
    expect(talk.clients.length).toBe(2);
  });

  it('says something: what waited longer goes first', async () => {
    const { talk, url } = await startTalk();
    const socket = client(url);
    socket.emit('say', 'one');
    socket.emit('say', 'two');
    once(socket, 'open', () => socket.emit('say', 'three'));
    socket.on('connect', () => socket.emit('say', 'four'));
    await next(socket, 'connect');
    await socket.emitWithAck('sum', []);
    expect(talk.said).toEqual(['one', 'two', 'three', 'four']);
  });

  it('asks something when the line has gone: that waits for the next one', async () => {
    const { talk, url } = await startTalk();
    const socket = await connected(url);
    const sums: unknown[] = [];
    const ask = (...numbers: number[]): void =>
      void socket.emitWithAck('sum', numbers).then(
        (sum) => sums.push(sum),
        (error) => sums.push(error),
      );
    once(socket, 'waiting', () => ask(1, 2));
    socket.once('disconnect', () => ask(3, 4));
    talk.last.terminate();
    await until('both are answered', () => sums.length === 2);
    expect(sums).toEqual([3, 7]);
  });

  it('throws: others are told all the same', async () => {
    const { url } = await startTalk();
    const socket = client(url, { autoConnect: false });
    const thrown: unknown[] = [];
    const { reportError } = globalThis as { reportError?: unknown };
    Object.assign(globalThis, { reportError: (error: unknown) => thrown.push(error) });
    const fail = (): never => {
      throw new Error('not my day');
    };
    const stop = socket.onState(fail);
    socket.on('connect', fail);
    const connects = next(socket, 'connect');
    socket.connect();
    await connects;
    expect(await socket.emitWithAck('sum', [1])).toBe(1);
    stop();
    Object.assign(globalThis, { reportError });
    expect(thrown).toEqual(Array(3).fill(new Error('not my day')));
  });
});

describe('times without an end', () => {
  it('are none, and not a millisecond', async () => {
    const { url } = await startTalk();
    const times = {
      connectTimeout: Infinity,
      pingInterval: Infinity,
      pingTimeout: Infinity,
      ackTimeout: Infinity,
    };
    const socket = await connected(url, times);
    expect(await socket.emitWithAck('sum', [1])).toBe(1);
    expect(await socket.timeout(Infinity).emitWithAck('sum', [2])).toBe(2);
  });
});
