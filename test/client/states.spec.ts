import { type ConnectionState } from '../../lib/client/node.js';
import { until } from '../support/wait.js';
import { behindFaultyNetwork, client, connected, next, startServer } from './fixture.js';

/** Calls `then` when a client first changes to a state. */
function once(socket: ReturnType<typeof client>, state: ConnectionState, then: () => unknown): void {
  const stop = socket.onState((now) => {
    if (now !== state) return;
    stop();
    then();
  });
}

describe('a state listener', () => {
  it('can disconnect as soon as the client is open', async () => {
    const { gateway, url, network } = await behindFaultyNetwork(
      await startServer({ adapter: { shutdownTimeout: 100 } }),
    );
    const socket = client(url, { pingInterval: 20, pingTimeout: 20 });
    const events: unknown[] = [];
    socket.on('connect', () => events.push('connect')).on('disconnect', (reason) => events.push(reason));
    once(socket, 'open', () => socket.disconnect());
    await expect(socket.emitWithAck('sum', [1])).rejects.toThrow('disconnected');
    // "connect" is not emitted after that.
    expect(events).toEqual(['io client disconnect']);
    await until('the client has disconnected', () => gateway.server.clients.size === 0);
    const other = await connected(url);
    // Longer than the pings of the first client would have taken.
    await expect(other.timeout(80).emitWithAck('never')).rejects.toThrow('timed out');
    expect(socket.state).toBe('closed');
    expect(network.attempts.length).toBe(2);
  });

  it('can disconnect while the client waits to reconnect', async () => {
    const { gateway, url } = await startServer();
    const socket = await connected(url);
    once(socket, 'waiting', () => socket.disconnect());
    gateway.last.terminate();
    expect(await next(socket, 'disconnect')).toMatchObject(['transport close', { willReconnect: false }]);
    expect(socket.state).toBe('closed');
    expect(socket.emit('say', 'dropped')).toBe(false);
    once(socket, 'connecting', () => socket.disconnect());
    socket.connect();
    expect(socket.state).toBe('closed');
    const other = await connected(url);
    await other.emitWithAck('sum', []);
    expect(gateway.clients.length).toBe(2);
  });

  it('can disconnect on "connect" and connect on "disconnect"', async () => {
    const { gateway, url } = await startServer();
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
    expect(gateway.said).toEqual(['one', 'two']);
    expect(gateway.clients.length).toBe(2);
  });

  it('can emit: older queued messages are sent first', async () => {
    const { gateway, url } = await startServer();
    const socket = client(url);
    socket.emit('say', 'one');
    socket.emit('say', 'two');
    once(socket, 'open', () => socket.emit('say', 'three'));
    socket.on('connect', () => socket.emit('say', 'four'));
    await next(socket, 'connect');
    await socket.emitWithAck('sum', []);
    expect(gateway.said).toEqual(['one', 'two', 'three', 'four']);
  });

  it('can send a request after a disconnect, which waits for the next connection', async () => {
    const { gateway, url } = await startServer();
    const socket = await connected(url);
    const sums: unknown[] = [];
    const ask = (...numbers: number[]): void =>
      void socket.emitWithAck('sum', numbers).then(
        (sum) => sums.push(sum),
        (error) => sums.push(error),
      );
    once(socket, 'waiting', () => ask(1, 2));
    socket.once('disconnect', () => ask(3, 4));
    gateway.last.terminate();
    await until('both are answered', () => sums.length === 2);
    expect(sums).toEqual([3, 7]);
  });

  it('that throws does not stop other listeners', async () => {
    const { url } = await startServer();
    const socket = client(url, { autoConnect: false });
    const thrown: unknown[] = [];
    const { reportError } = globalThis as { reportError?: unknown };
    Object.assign(globalThis, { reportError: (error: unknown) => thrown.push(error) });
    const fail = (): never => {
      throw new Error('failed');
    };
    const stop = socket.onState(fail);
    socket.on('connect', fail);
    const connects = next(socket, 'connect');
    socket.connect();
    await connects;
    expect(await socket.emitWithAck('sum', [1])).toBe(1);
    stop();
    Object.assign(globalThis, { reportError });
    expect(thrown).toEqual(Array(3).fill(new Error('failed')));
  });
});

describe('infinite timeouts', () => {
  it('disable the timeout instead of firing at once', async () => {
    const { url } = await startServer();
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
