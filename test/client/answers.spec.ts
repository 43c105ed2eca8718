import { ConnectError, DisconnectedError } from '../../lib/client/node.js';
import { until } from '../support/wait.js';
import { client, connected, lineTo, next, startTalk } from './fixture.js';
import { TokenGuard } from './fixture-gateway.js';

describe('a listener that takes a callback', () => {
  it('answers by it, also where it is asynchronous and is through before', async () => {
    const { url } = await startTalk();
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
  it('says that it was dropped, as an event does', async () => {
    const { url } = await startTalk();
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

  it('does not wait for a line where it is volatile', async () => {
    const { url } = await startTalk();
    const socket = client(url, { autoConnect: false });
    const sums: number[] = [];
    expect(socket.volatile.emit('sum', [1], (sum) => sums.push(sum))).toBe(false);
    socket.connect();
    await next(socket, 'connect');
    expect(socket.volatile.emit('sum', [2], (sum) => sums.push(sum))).toBe(true);
    await socket.emitWithAck('sum', []);
    expect(sums).toEqual([2]);
  });

  it('fails when all is over: what is said then does not wait in a client that was told to leave', async () => {
    const { talk, url } = await startTalk();
    const socket = client(url, { autoConnect: false });
    const said = new Promise((resolve) =>
      socket.timeout(60_000).emit('sum', [1], (error) => resolve([error.name, socket.emit('say', 'again')])),
    );
    socket.disconnect();
    expect(await said).toEqual(['DisconnectedError', false]);
    socket.connect();
    await next(socket, 'connect');
    await socket.emitWithAck('sum', []);
    expect(talk.said).toEqual([]);
  });

  it('fails when all is over: whoever comes back then is told of every state once', async () => {
    const { talk, url } = await startTalk();
    const socket = await connected(url);
    const states: string[] = [];
    socket.onState((state, before) => states.push(`${before} ${state}`));
    socket.timeout(60_000).emit('never', () => socket.connect());
    await socket.emitWithAck('sum', []);
    talk.last.disconnect();
    await next(socket, 'connect');
    expect(states).toEqual(['open closed', 'closed connecting', 'connecting open']);
  });

  it('fails when all is over: a stream that is begun then waits for the next line', async () => {
    const { talk, url } = await startTalk();
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
    talk.last.terminate();
    expect(await ticks).toEqual([0, 1, 2]);
  });
});

describe('why', () => {
  it('a line ended does not depend on whether the client comes back', async () => {
    const { talk, url } = await startTalk();
    for (const [code, why] of [
      [1001, 'transport close'],
      [1000, 'io server disconnect'],
    ] as const) {
      const socket = await connected(url, { reconnection: false });
      talk.last.ws.close(code);
      expect(await next(socket, 'disconnect')).toMatchObject([why, { code, willReconnect: false }]);
    }
  });

  it('an attempt failed is told as far as the platform tells', async () => {
    const { guarded } = await startTalk();
    const line = await lineTo(0);
    const nobody = `ws://127.0.0.1:${line.port}/`;
    line.close();
    const socket = client(nobody, { reconnection: false });
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

describe('a client that is told to leave when it has hardly begun', () => {
  it('asks nobody for credentials, and asks once when it begins anew at once', async () => {
    TokenGuard.tokens.clear();
    TokenGuard.tokens.set('token', { id: 'ada' });
    const { guarded } = await startTalk();
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

describe('what is not read any more', () => {
  it('is over, also where it had failed before', async () => {
    const { talk, url } = await startTalk();
    const socket = await connected(url);
    const stream = socket.stream('forever');
    await stream.next();
    const gone = next(socket, 'disconnect');
    talk.last.terminate();
    await gone;
    await stream.return!();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    const other = socket.stream('forever');
    await until('the next line', () => socket.connected);
    const waiting = [other.next(), other.next(), other.next()];
    expect(await waiting[0]).toEqual({ done: false, value: 0 });
    socket.disconnect();
    const rest = await Promise.allSettled([...waiting.slice(1), other.next()]);
    expect(rest).toContainEqual({ status: 'rejected', reason: expect.any(DisconnectedError) });
  });
});
