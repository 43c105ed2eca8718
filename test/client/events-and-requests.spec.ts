import { RequestError, TimeoutError } from '../../lib/client/node.js';
import { until } from '../support/wait.js';
import { client, connected, next, startServer } from './fixture.js';
import { coded } from '../support/error-code.js';

describe('a client', () => {
  it('emits and receives in order, before and after it is connected', async () => {
    const { gateway, url } = await startServer();
    const socket = client(url);
    const received: string[] = [];
    const any: unknown[] = [];
    socket.on('said', (text) => received.push(text));
    socket.once('said', (text) => received.push(`once ${text}`));
    socket.onAny((event, data) => any.push([event, data]));
    expect(socket.emit('say', 'one')).toBe(true);
    socket.emit('say', 'two');
    await next(socket, 'connect');
    socket.emit('say', 'three');
    await until('all three', () => gateway.said.length === 3);
    expect(gateway.said).toEqual(['one', 'two', 'three']);
    gateway.server.emit('said', 'hello');
    gateway.last.emit('said', 'you');
    gateway.server.emit('other');
    await socket.emitWithAck('sum', []);
    expect(received).toEqual(['hello', 'once hello', 'you']);
    expect(any).toEqual([
      ['said', 'hello'],
      ['said', 'you'],
      ['other', undefined],
    ]);
    expect(socket).toMatchObject({ connected: true, recovered: false, id: gateway.last.id, state: 'open' });
    socket.off('said').offAny();
    gateway.server.emit('said', 'ignored');
    await socket.emitWithAck('sum', []);
    expect([received.length, any.length]).toEqual([3, 3]);
  });

  it('receives the answer or the exception of a request', async () => {
    const { url } = await startServer();
    const socket = await connected(url);
    expect(await Promise.all([socket.emitWithAck('sum', [1, 2]), socket.emitWithAck('sum', [3])])).toEqual([
      3, 3,
    ]);
    const refused = await socket.emitWithAck('refuse').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RequestError);
    expect(refused).toMatchObject({
      code: 'ERR_ENVELOPE_REQUEST_FAILED',
      message: 'not today',
      data: { status: 'error' },
    });
    expect(await new Promise<number>((resolve) => socket.emit('sum', [4, 5], resolve))).toBe(9);
    const answered = await new Promise((resolve) =>
      socket.timeout(1_000).emit('refuse', (...args: unknown[]) => resolve(args)),
    );
    expect(answered).toEqual([expect.any(RequestError), undefined]);
  });

  it('times out requests', async () => {
    const { url } = await startServer({ adapter: { shutdownTimeout: 100 } });
    const socket = await connected(url, { ackTimeout: 30 });
    await expect(socket.emitWithAck('never')).rejects.toThrow(
      coded('ERR_ENVELOPE_TIMEOUT', 'operation has timed out'),
    );
    await expect(socket.timeout(20).emitWithAck('never')).rejects.toThrow(
      coded('ERR_ENVELOPE_TIMEOUT', 'operation has timed out'),
    );
    const late = await new Promise((resolve) => socket.timeout(20).emit('never', resolve));
    expect(late).toBeInstanceOf(TimeoutError);
    // A request without a connection times out as well.
    const away = client('ws://127.0.0.1:1/', { ackTimeout: 30 });
    await expect(away.emitWithAck('sum', [1])).rejects.toThrow(
      coded('ERR_ENVELOPE_TIMEOUT', 'operation has timed out'),
    );
  });

  it('answers a request with what a listener returns, resolves, or passes to the callback', async () => {
    const { url } = await startServer();
    const socket = await connected(url);
    const ask = (): Promise<string> => socket.emitWithAck('ask', 'how?');
    const withoutListener = await ask().catch((error: unknown) => error);
    expect(withoutListener).toMatchObject({ message: expect.any(String) });
    socket.on('question', (question) => `${question} well`);
    expect(await ask()).toBe('how? well');
    socket.off('question').on('question', async () => 'later');
    expect(await ask()).toBe('later');
    socket.off('question').on('question', (question, answer) => void setTimeout(answer, 1, `${question} so`));
    expect(await ask()).toBe('how? so');
    socket.on('where', (answer) => void setTimeout(answer, 1, 'by callback'));
    expect(await socket.emitWithAck('askWhere')).toBe('by callback');
    socket.off('where').on('where', () => 'at home');
    expect(await socket.emitWithAck('askWhere')).toBe('at home');
    socket.off('question').on('question', () => {
      throw new Error('refused');
    });
    await expect(ask()).rejects.toThrow(RequestError);
  });

  it('reads a stream and ends it with break, abort or disconnect', async () => {
    const { gateway, url } = await startServer();
    const socket = await connected(url);
    const values: number[] = [];
    for await (const value of socket.stream('ticks', 3)) values.push(value);
    expect(values).toEqual([0, 1, 2]);
    for await (const value of socket.stream('forever')) if (value === 2) break;
    await until('the end of the source', () => gateway.readers === 0);
    const controller = new AbortController();
    const read: number[] = [];
    for await (const value of socket.stream('forever', undefined, { signal: controller.signal })) {
      read.push(value);
      if (value === 1) controller.abort();
    }
    expect(read).toEqual([0, 1]);
    await until('the end of the source', () => gateway.readers === 0);
    await expect(socket.stream('broken').next()).rejects.toThrow('out of order');
    const cut = socket.stream('forever');
    await cut.next();
    socket.disconnect();
    await expect(
      (async () => {
        for await (const _ of cut);
      })(),
    ).rejects.toThrow(coded('ERR_ENVELOPE_DISCONNECTED'));
    await until('the end of the source', () => gateway.readers === 0);
  });

  it('rejects reserved event names', async () => {
    const { url } = await startServer();
    const socket = await connected(url);
    const { emit } = socket as unknown as { emit(event: string): boolean };
    for (const name of ['', 'connect', 'disconnect', '$cancel'])
      expect(() => emit.call(socket, name)).toThrow(Error);
  });
});
