import { ConnectError, DisconnectedError } from '../../lib/client/node.js';
import { until } from '../support/wait.js';
import { client, connected, faultyNetworkTo, next, startServer } from './fixture.js';
import { TokenGuard } from './fixture-gateway.js';

describe('a listener with a callback parameter', () => {
  it('answers through the callback, even if its promise resolves first', async () => {
    const { url } = await startServer();
    const socket = await connected(url);
    socket.on('question', async (question, answer) => {
      void socket.emitWithAck('sum', []).then(() => answer(`${question} yes`));
    });
    expect(await socket.emitWithAck('ask', 'is it you?')).toBe('is it you? yes');
    socket.off('question').on('question', async (question, _answer) => `${question} no`);
    expect(await socket.emitWithAck('ask', 'is it you?')).toBe('is it you? no');
  });
});

describe('a request with a callback', () => {
  it('returns false if it was dropped, as for an event', async () => {
    const { url } = await startServer();
    const socket = client(url, { autoConnect: false, maxQueued: 1 });
    const sums: number[] = [];
    const ask = (...numbers: number[]): boolean => socket.emit('sum', numbers, (sum) => sums.push(sum));
    expect([ask(1), ask(2)]).toEqual([true, false]);
    socket.connect();
    await next(socket, 'connect');
    await socket.emitWithAck('sum', []);
    expect(sums).toEqual([1]);
    socket.disconnect();
    expect(ask(3)).toBe(false);
  });

  it('is not queued without a connection if it is volatile', async () => {
    const { url } = await startServer();
    const socket = client(url, { autoConnect: false });
    const sums: number[] = [];
    expect(socket.volatile.emit('sum', [1], (sum) => sums.push(sum))).toBe(false);
    socket.connect();
    await next(socket, 'connect');
    expect(socket.volatile.emit('sum', [2], (sum) => sums.push(sum))).toBe(true);
    await socket.emitWithAck('sum', []);
    expect(sums).toEqual([2]);
  });

  it('fails on disconnect(), and an emit in its callback is not queued', async () => {
    const { gateway, url } = await startServer();
    const socket = client(url, { autoConnect: false });
    const said = new Promise((resolve) =>
      socket.timeout(60_000).emit('sum', [1], (error) => resolve([error.name, socket.emit('say', 'again')])),
    );
    socket.disconnect();
    expect(await said).toEqual(['DisconnectedError', false]);
    socket.connect();
    await next(socket, 'connect');
    await socket.emitWithAck('sum', []);
    expect(gateway.said).toEqual([]);
  });

  it('fails on disconnect, and connect() in its callback emits each state once', async () => {
    const { gateway, url } = await startServer();
    const socket = await connected(url);
    const states: string[] = [];
    socket.onState((state, before) => states.push(`${before} ${state}`));
    socket.timeout(60_000).emit('never', () => socket.connect());
    await socket.emitWithAck('sum', []);
    gateway.last.disconnect();
    await next(socket, 'connect');
    expect(states).toEqual(['open closed', 'closed connecting', 'connecting open']);
  });

  it('fails on disconnect, and a stream that its callback opens waits for the next connection', async () => {
    const { gateway, url } = await startServer();
    const socket = await connected(url);
    const ticks = new Promise<number[]>((resolve, reject) => {
      const read = async (): Promise<number[]> => {
        const read: number[] = [];
        for await (const tick of socket.stream('ticks', 3)) read.push(tick);
        return read;
      };
      socket.timeout(60_000).emit('never', () => read().then(resolve, reject));
    });
    await socket.emitWithAck('sum', []);
    gateway.last.terminate();
    expect(await ticks).toEqual([0, 1, 2]);
  });
});

describe('the reason', () => {
  it('of a disconnect does not depend on the option reconnection', async () => {
    const { gateway, url } = await startServer();
    for (const [code, reason] of [
      [1001, 'transport close'],
      [1000, 'io server disconnect'],
    ] as const) {
      const socket = await connected(url, { reconnection: false });
      gateway.last.ws.close(code);
      expect(await next(socket, 'disconnect')).toMatchObject([reason, { code, willReconnect: false }]);
    }
  });

  it('of a failed attempt contains what the platform reports', async () => {
    const { guarded } = await startServer();
    const network = await faultyNetworkTo(0);
    const address = `ws://127.0.0.1:${network.port}/`;
    network.close();
    const socket = client(address, { reconnection: false });
    const [error] = await next<ConnectError>(socket, 'connect_error');
    expect(error!.cause).toMatchObject({ code: 'ECONNREFUSED' });
    const other = client(guarded);
    const [refused] = await next<ConnectError>(other, 'connect_error');
    expect(refused).toMatchObject({ status: 403, cause: { status: 403 } });
    const slow = client(guarded, { connectTimeout: 20, auth: () => new Promise(() => undefined) });
    const [late] = await next<ConnectError>(slow, 'connect_error');
    expect(late).not.toHaveProperty('cause');
  });
});

describe('a client that disconnects while it starts to connect', () => {
  it('does not request credentials, and requests them once when it connects again at once', async () => {
    TokenGuard.tokens.clear();
    TokenGuard.tokens.set('token', { id: 'ada' });
    const { guarded } = await startServer();
    let asked = 0;
    const auth = (): string => (asked++, 'token');
    const socket = client(guarded, { autoConnect: false, auth });
    const stop = socket.onState((state) => state === 'connecting' && socket.disconnect());
    socket.connect();
    expect([socket.state, asked]).toEqual(['closed', 0]);
    stop();
    const again = socket.onState((state) => {
      again();
      if (state === 'connecting') socket.disconnect().connect();
    });
    socket.connect();
    await next(socket, 'connect');
    expect(asked).toBe(1);
    expect(await socket.emitWithAck('whoami')).toEqual({ id: 'ada' });
  });
});

describe('a stream that is no longer read', () => {
  it('is done, even if it had failed before', async () => {
    const { gateway, url } = await startServer();
    const socket = await connected(url);
    const stream = socket.stream('forever');
    await stream.next();
    const disconnected = next(socket, 'disconnect');
    gateway.last.terminate();
    await disconnected;
    await stream.return!();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    const other = socket.stream('forever');
    await until('the next connection', () => socket.connected);
    const waiting = [other.next(), other.next(), other.next()];
    expect(await waiting[0]).toEqual({ done: false, value: 0 });
    socket.disconnect();
    const rest = await Promise.allSettled([...waiting.slice(1), other.next()]);
    expect(rest).toContainEqual({ status: 'rejected', reason: expect.any(DisconnectedError) });
  });
});
