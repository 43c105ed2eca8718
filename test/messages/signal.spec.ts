import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AbortError, observe, type AbortCause, type HandlerTrace } from '../../lib/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';
import { ended, gate, reset, ScopedGateway, SignalGateway, signals } from './signal-gateway.js';

const start = (options: AppOptions = {}): Promise<TestApp> =>
  startApp({ providers: [SignalGateway, ScopedGateway] }, options);

async function called(event: string): Promise<AbortSignal> {
  await until(`the handler of ${event}`, () => signals.has(event));
  return signals.get(event)!;
}

function expectReason(signal: AbortSignal, cause: AbortCause): void {
  expect(signal.aborted).toBe(true);
  expect(signal.reason).toBeInstanceOf(AbortError);
  expect(signal.reason).toMatchObject({ name: 'AbortError', code: 'ERR_ENVELOPE_ABORTED', cause });
}

async function aborted(signal: AbortSignal, cause: AbortCause): Promise<void> {
  await until('the abort', () => signal.aborted);
  expectReason(signal, cause);
}

/** Sends a request, and cancels it when its handler runs. @returns its signal */
async function cancel(client: TestClient, event: string, more: object = {}): Promise<AbortSignal> {
  client.send({ event, id: event, ...more });
  const signal = await called(event);
  client.send({ event: '$cancel', data: event });
  return signal;
}

const finals = (client: TestClient, id: string): object[] =>
  client.frames.filter((frame) => frame.ack === id && frame.more === undefined);

describe('the signal of a handler', () => {
  expectNoUnhandledErrors();
  afterEach(reset);

  it.each(['promise', 'intercepted', 'context', 'ack'])(
    'aborts at $cancel, which answers at once without data: %s',
    async (event) => {
      const app = await start();
      const client = await app.connect('/ws');
      const signal = await cancel(client, event);
      expect(await client.answer(event)).toEqual({ event, ack: event });
      expectReason(signal, 'cancelled');
      await client.settled();
      expect(finals(client, event)).toHaveLength(1);
      expect(client.frames.some((frame) => frame.event === 'exception')).toBe(false);
      expect(app.log.of('error')).toEqual([]);
    },
  );

  it.each(['generator', 'observable'])('aborts at $cancel of a stream: %s', async (event) => {
    const app = await start();
    const client = await app.connect('/ws');
    client.send({ event, id: event, stream: true });
    expect(await client.answer(event)).toEqual({ event, data: 'first', ack: event, more: true });
    client.send({ event: '$cancel', data: event });
    expect(await client.answer(event)).toEqual({ event, ack: event });
    await aborted(signals.get(event)!, 'cancelled');
    await until('the end of the source', () => ended.includes(event));
    await client.settled();
    expect(finals(client, event)).toHaveLength(1);
    expect(app.log.of('error')).toEqual([]);
  });

  it('ends a fetch: the other server sees its connection close', async () => {
    let closed = 0;
    let requests = 0;
    const slow = createServer((request) => {
      requests++;
      request.socket.on('close', () => closed++);
    });
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    try {
      const app = await start();
      const client = await app.connect('/ws');
      client.send({
        event: 'fetch',
        id: 1,
        data: `http://127.0.0.1:${(slow.address() as AddressInfo).port}`,
      });
      await until('the request', () => requests === 1);
      client.send({ event: '$cancel', data: 1 });
      expect(await client.answer(1)).toEqual({ event: 'fetch', ack: 1 });
      await until('the end of the connection', () => closed === 1);
      expect(app.log.of('error')).toEqual([]);
    } finally {
      slow.closeAllConnections();
      slow.close();
    }
  });

  it('drops what a cancelled handler returns or throws later, and logs only a real error', async () => {
    const app = await start();
    const client = await app.connect('/ws');
    for (const event of ['late', 'late error', 'foreign']) {
      await cancel(client, event);
      expect(await client.answer(event)).toEqual({ event, ack: event });
    }
    const before = client.frames.length;
    gate.resolve('late');
    await until('the end', () => ended.includes('late'));
    await until('the error', () => app.log.of('error').length > 0);
    await client.settled();
    expect(client.frames.slice(before).filter(({ event }) => event !== '$ping')).toEqual([]);
    expect(app.log.of('error')).toEqual([expect.stringContaining('"late error" threw')]);
  });

  it('leaves a handler alone that has not asked: it goes on, and answers', async () => {
    const app = await start();
    const client = await app.connect('/ws');
    client.send({ event: 'unasked', id: 1 });
    client.send({ event: '$cancel', data: 1 });
    await client.settled();
    expect(finals(client, '1')).toEqual([]);
    gate.resolve('done');
    expect(await client.answer(1)).toEqual({ event: 'unasked', data: 'done', ack: 1 });
  });

  it('counts a cancelled handler as in flight until it has ended', async () => {
    const app = await start({ adapter: { limits: { maxInFlight: 1 } } });
    const client = await app.connect('/ws');
    await cancel(client, 'late');
    await client.answer('late');
    client.send({ event: 'echo', data: 'waits', id: 'echo' });
    await client.settled();
    expect(finals(client, 'echo')).toEqual([]);
    gate.resolve('late');
    expect((await client.answer('echo')).data).toBe('waits');
  });

  it('is aborted already in a handler whose request was cancelled while it waited', async () => {
    const app = await start({ adapter: { limits: { maxInFlight: 1 } } });
    const client = await app.connect('/ws');
    client.send({ event: 'unasked', id: 1 });
    client.send({ event: 'promise', id: 2 });
    client.send({ event: '$cancel', data: 2 });
    await client.settled();
    expect(signals.has('promise')).toBe(false);
    gate.resolve('done');
    expect(await client.answer(2)).toEqual({ event: 'promise', ack: 2 });
    expectReason(signals.get('promise')!, 'cancelled');
    expect((await client.ask('echo', 1)).data).toBe(1);
  });

  it.each(['promise', 'intercepted', 'generator', 'observable', 'ack', 'context', 'foreign'])(
    'aborts when the client disconnects: %s',
    async (event) => {
      const app = await start();
      for (const id of [{ id: 1 }, {}]) {
        const client = await app.connect('/ws');
        client.send({ event, ...id, stream: true });
        const signal = await called(event);
        signals.clear();
        if (event === 'generator' || event === 'observable') await client.next(event);
        client.ws.terminate();
        await aborted(signal, 'disconnected');
      }
      gate.resolve('late');
      const other = await app.connect('/ws');
      await other.settled();
      expect(app.log.of('error')).toEqual([]);
    },
  );

  it('aborts when a handler itself disconnects its client', async () => {
    const app = await start();
    const client = await app.connect('/ws');
    client.send({ event: 'leave', id: 1 });
    await aborted(await called('leave'), 'disconnected');
    await client.ended();
    expect(app.log.of('error')).toEqual([]);
  });

  it('aborts at the end of shutdownTimeout, not before', async () => {
    const app = await start({ adapter: { shutdownTimeout: 50 } });
    const [one, two] = [await app.connect('/ws'), await app.connect('/scoped')];
    one.send({ event: 'promise', id: 1 });
    two.send({ event: 'promise' });
    const [promise, scoped] = [await called('promise'), await called('scoped')];
    const started = performance.now();
    const closing = app.nest.close();
    expect(promise.aborted).toBe(false);
    await aborted(promise, 'server shutting down');
    expect(performance.now() - started).toBeGreaterThan(45);
    await aborted(scoped, 'server shutting down');
    await closing;
    expect(app.log.of('error')).toEqual([]);
  });

  it('is that of the request in a request-scoped gateway', async () => {
    const app = await start();
    const client = await app.connect('/scoped');
    client.send({ event: 'promise', id: 1 });
    const signal = await called('scoped');
    client.send({ event: '$cancel', data: 1 });
    expect(await client.answer(1)).toEqual({ event: 'promise', ack: 1 });
    expectReason(signal, 'cancelled');
  });

  it('is shared by the handlers of one event', async () => {
    const app = await start();
    const client = await app.connect('/ws');
    client.send({ event: 'twice', id: 1 });
    expect(await called('second')).toBe(await called('first'));
    client.send({ event: '$cancel', data: 1 });
    expect(await client.answer(1)).toEqual({ event: 'twice', ack: 1 });
    expectReason(signals.get('first')!, 'cancelled');
  });

  it('never aborts after the final answer', async () => {
    const app = await start();
    const client = await app.connect('/ws');
    client.send({ event: 'quick', id: 1 });
    expect((await client.answer(1)).data).toBe('done');
    client.send({ event: '$cancel', data: 1 });
    client.send({ event: 'timed', id: 2 });
    expect((await client.answer(2)).event).toBe('exception');
    client.send({ event: '$cancel', data: 2 });
    await client.settled();
    client.ws.terminate();
    await until('the disconnect', () => app.adapter.create(0, { path: '/ws' }).engine.clientsCount === 0);
    expect([signals.get('quick')!.aborted, signals.get('timed')!.aborted]).toEqual([false, false]);
  });

  it('reports what a listener throws, and calls the others', async () => {
    const app = await start();
    const client = await app.connect('/ws');
    await cancel(client, 'throwing listener');
    await client.answer('throwing listener');
    await until('both reports', () => app.log.of('error').length === 2);
    expect(ended).toEqual(['onabort', 'handleEvent']);
    const where = 'a listener of the signal of "throwing listener" threw';
    expect(app.log.of('error')).toEqual([expect.stringContaining(where), expect.stringContaining(where)]);
    expect((await client.ask('echo', 1)).data).toBe(1);
  });

  it('makes the outcome "cancelled", and a late error an error', async () => {
    const app = await start();
    const outcomes: unknown[] = [];
    const failed: unknown[] = [];
    const stop = [
      observe('handler.end', ({ event, outcome }: HandlerTrace) => void outcomes.push([event, outcome])),
      observe('handler.error', ({ event }: HandlerTrace) => void failed.push(event)),
    ];
    try {
      const client = await app.connect('/ws');
      for (const event of ['promise', 'intercepted', 'generator', 'late error', 'foreign']) {
        await cancel(client, event, { stream: event === 'generator' || undefined });
        await client.until('the answer', () => finals(client, event).length === 1);
      }
      gate.resolve('late');
      await until('all ends', () => outcomes.length === 5);
      expect(Object.fromEntries(outcomes as [string, string][])).toEqual({
        ...{ promise: 'cancelled', intercepted: 'cancelled', generator: 'cancelled' },
        ...{ 'late error': 'error', foreign: 'cancelled' },
      });
      expect(failed).toEqual(['late error']);
    } finally {
      for (const unsubscribe of stop) unsubscribe();
    }
  });

  it('leaves nothing behind after 10,000 requests', async () => {
    const app = await start({ adapter: { limits: { messagesPerSecond: false } } });
    const client = await app.connect('/ws');
    const server = app.adapter.create(0, { path: '/ws' });
    const [socket] = [...server.sockets.values()];
    for (let round = 0; round < 100; round++) {
      for (let i = 0; i < 50; i++) client.send({ event: 'quick', id: i });
      for (let i = 50; i < 100; i++) {
        client.send({ event: 'promise', id: i });
        client.send({ event: '$cancel', data: i });
      }
      await client.answer(99);
      await client.settled();
      client.frames.length = 0;
    }
    expect(socket!._requests.inFlight).toBe(0);
    expect(Object.values(socket!._requests).filter((value) => value instanceof AbortController)).toEqual([]);
    expect(app.log.of('error')).toEqual([]);
    expect(app.log.of('warn').filter((text) => !text.includes('"twice"'))).toEqual([]);
  });
});
