import { UseInterceptors, type CallHandler, type NestInterceptor } from '@nestjs/common';
import { Ack, ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { map, NEVER, Observable, startWith, Subject } from 'rxjs';
import { EnvelopeSocket, Ordered, Signal } from '../../lib/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred, until } from '../support/wait.js';

/** Handlers that have started and ended, in order. */
const log: string[] = [];
let waiting: (() => void)[] = [];

/** Ends the oldest handler that waits, or all. */
function finish(count = 1): void {
  for (const resolve of waiting.splice(0, count)) resolve();
}

async function work(data: unknown): Promise<string> {
  log.push(`begin ${String(data)}`);
  const { promise, resolve } = deferred();
  waiting.push(resolve);
  await promise;
  log.push(`end ${String(data)}`);
  return `done ${String(data)}`;
}

class Mapped implements NestInterceptor {
  intercept(_: unknown, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value: unknown) => value));
  }
}

class Handlers {
  readonly values = new Subject<string>();

  @SubscribeMessage('work')
  work(@MessageBody() data: unknown): Promise<string> {
    return work(data);
  }
  @SubscribeMessage('fail')
  async fail(@MessageBody() data: unknown): Promise<void> {
    await work(data);
    throw new Error('failed');
  }
  @UseInterceptors(Mapped)
  @SubscribeMessage('intercepted')
  intercepted(@MessageBody() data: unknown): Promise<string> {
    return work(data);
  }
  @SubscribeMessage('by hand')
  byHand(@MessageBody() data: unknown, @Ack() _ack: () => void): Promise<string> {
    return work(data);
  }
  @SubscribeMessage('generator')
  async *generator(@MessageBody() data: unknown): AsyncGenerator<string> {
    yield await work(data);
    await new Promise(() => undefined);
  }
  @SubscribeMessage('observable')
  observable(): Observable<string> {
    return this.values;
  }
  @SubscribeMessage('started')
  started(): Observable<string> {
    return NEVER.pipe(startWith('started'));
  }
  @SubscribeMessage('question')
  async question(@ConnectedSocket() client: EnvelopeSocket): Promise<unknown> {
    log.push('question');
    return client.emitWithAck('which?');
  }
  @SubscribeMessage('signal')
  async signal(@MessageBody() data: unknown, @Signal() _signal: AbortSignal): Promise<string> {
    return work(data);
  }
  @SubscribeMessage('two')
  one(): Promise<string> {
    return work('one');
  }
  @SubscribeMessage('two')
  two(): Promise<string> {
    return work('two');
  }
}

@WebSocketGateway({ path: '/all', ordered: true })
class AllGateway extends Handlers {}

@WebSocketGateway({ path: '/some' })
class SomeGateway {
  clients: EnvelopeSocket[] = [];
  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
  }
  @Ordered()
  @SubscribeMessage('edit')
  edit(@MessageBody() data: unknown): Promise<string> {
    return work(data);
  }
  @SubscribeMessage('work')
  work(@MessageBody() data: unknown): Promise<string> {
    return work(data);
  }
}

const start = (options: AppOptions = {}): Promise<TestApp> =>
  startApp({ providers: [AllGateway, SomeGateway] }, options);

const begun = (data: string): Promise<void> => until(`begin ${data}`, () => log.includes(`begin ${data}`));

/** Expects these lines, and no more after the server has handled all messages. */
async function expectLog(client: TestClient, ...lines: string[]): Promise<void> {
  await until(lines.join(), () => log.length >= lines.length);
  await client.settled();
  expect(log).toEqual(lines);
}

describe('messages in order', () => {
  expectNoUnhandledErrors();
  beforeEach(() => {
    log.length = 0;
    waiting = [];
  });

  it.each<[string, object]>([
    ['work', {}],
    ['work', { id: 1 }],
    ['fail', {}],
    ['fail', { id: 1 }],
    ['intercepted', {}],
    ['intercepted', { id: 1 }],
    ['by hand', { id: 1 }],
    ['signal', { id: 1 }],
    ['generator', {}],
    ['generator', { id: 1 }],
    ['generator', { id: 1, stream: true }],
  ])('wait until the last one has settled: %s %j', async (event, more) => {
    const app = await start();
    const client = await app.connect('/all');
    client.send({ event, data: 'a', ...more });
    client.send({ event: 'work', data: 'b', id: 2 });
    client.send({ event: 'work', data: 'c' });
    await expectLog(client, 'begin a');
    finish();
    await expectLog(client, 'begin a', 'end a', 'begin b');
    finish();
    await expectLog(client, 'begin a', 'end a', 'begin b', 'end b', 'begin c');
    finish();
    await client.next('work');
    expect(app.log.of('warn').filter((text) => text.includes('in flight'))).toEqual([]);
  });

  it('wait for all handlers of an event', async () => {
    const app = await start();
    const client = await app.connect('/all');
    client.send({ event: 'two', id: 1 });
    client.send({ event: 'work', data: 'b' });
    await expectLog(client, 'begin one', 'begin two');
    finish();
    await expectLog(client, 'begin one', 'begin two', 'end one');
    finish();
    await expectLog(client, 'begin one', 'begin two', 'end one', 'end two', 'begin b');
    finish();
  });

  it('go on with the first value of an Observable', async () => {
    const app = await start();
    const { values } = app.nest.get(AllGateway);
    for (const more of [{}, { id: 1, stream: true }]) {
      const client = await app.connect('/all');
      client.send({ event: 'observable', ...more });
      client.send({ event: 'work', data: 'b' });
      await client.settled();
      expect(log).toEqual([]);
      values.next('first');
      await begun('b');
      finish();
      await client.next('work');
      values.next('second');
      expect((await client.next('observable')).data).toBe('first');
      expect((await client.next('observable')).data).toBe('second');
      log.length = 0;
      client.ws.terminate();
      await until('the end of the stream', () => !values.observed);
    }
    const client = await app.connect('/all');
    client.send({ event: 'started' });
    client.send({ event: 'work', data: 'c' });
    await begun('c');
    finish();
  });

  it('go on after messages that no handler takes, that are refused, or that a middleware refuses', async () => {
    const app = await start();
    const client = await app.connect('/all');
    const [socket] = [...app.adapter.create(0, { path: '/all' }).sockets.values()];
    let isRefusing = true;
    socket!.use((_message, next) => setImmediate(() => next(isRefusing ? new Error('no') : undefined)));
    client.send({ event: 'work', data: 'a', id: 1 });
    expect((await client.answer(1)).event).toBe('exception');
    isRefusing = false;
    socket!.on('listened', () => log.push('listened'));
    socket!.on('broken', () => {
      throw new Error('broken');
    });
    client.send({ event: 'unknown', id: 2 });
    client.send({ event: 'listened' });
    client.send({ event: 'broken', id: 3 });
    client.send({ event: 'work', data: 'b', id: 4 });
    await begun('b');
    finish();
    expect((await client.answer(4)).data).toBe('done b');
    expect((await client.answer(2)).data).toMatchObject({ code: 'unknown_event' });
    expect(log).toEqual(['listened', 'begin b', 'end b']);
  });

  it('let answers and the events of the protocol pass', async () => {
    const app = await start();
    const client = await app.connect('/all');
    client.send({ event: 'question', id: 1 });
    for (let i = 0; i < 200; i++) client.send({ event: 'started' });
    const { id } = await client.next('which?');
    await client.settled();
    client.send({ ack: id, data: 'this one' });
    expect((await client.answer(1)).data).toBe('this one');
    client.send({ event: 'observable', id: 2, stream: true });
    client.send({ event: 'work', data: 'b', id: 3 });
    client.send({ event: '$cancel', data: 2 });
    expect(await client.answer(2)).toEqual({ event: 'observable', ack: 2 });
    await begun('b');
    finish();
    expect((await client.answer(3)).data).toBe('done b');
  });

  it('wait for a cancelled handler, too', async () => {
    const app = await start();
    const client = await app.connect('/all');
    client.send({ event: 'signal', data: 'a', id: 1 });
    client.send({ event: 'work', data: 'b' });
    await begun('a');
    client.send({ event: '$cancel', data: 1 });
    expect(await client.answer(1)).toEqual({ event: 'signal', ack: 1 });
    await expectLog(client, 'begin a');
    finish();
    await begun('b');
    finish();
  });

  it('of one client do not hold up another client', async () => {
    const app = await start();
    const [one, two] = [await app.connect('/all'), await app.connect('/all')];
    one.send({ event: 'work', data: 'a' });
    await begun('a');
    two.send({ event: 'work', data: 'b' });
    await begun('b');
    finish(2);
  });

  it('are bounded: the connection is paused, and ends where none settles', async () => {
    const app = await start({ adapter: { connectTimeout: 200, limits: { messagesPerSecond: false } } });
    const client = await app.connect('/all');
    for (let i = 0; i < 100; i++) client.send({ event: 'work', data: i });
    await begun('0');
    await client.settled();
    // a few that wait are no reason
    const [socket] = [...app.adapter.create(0, { path: '/all' }).sockets.values()];
    expect(socket!._connection.isPaused).toBe(false);
    for (let i = 100; i < 10_000; i++) client.send({ event: 'work', data: i, text: 'x'.repeat(1_000) });
    await until('the pause', () => socket!._connection.isPaused);
    const { code } = await client.ended();
    expect(code).toBe(1013);
    expect(log).toEqual(['begin 0']);
    finish();
  });

  it('end with their connection', async () => {
    const app = await start();
    const client = await app.connect('/all');
    for (const data of ['a', 'b', 'c']) client.send({ event: 'work', data });
    await begun('a');
    client.ws.terminate();
    await until('the disconnect', () => app.adapter.create(0, { path: '/all' }).engine.clientsCount === 0);
    finish();
    const other = await app.connect('/all');
    await expectLog(other, 'begin a', 'end a');
  });
});

describe('@Ordered()', () => {
  expectNoUnhandledErrors();
  beforeEach(() => {
    log.length = 0;
    waiting = [];
  });

  it('lets all later messages wait, and none wait for an event without it', async () => {
    const app = await start();
    const client = await app.connect('/some');
    client.send({ event: 'work', data: 'w1' });
    client.send({ event: 'work', data: 'w2' });
    client.send({ event: 'edit', data: 'e1' });
    client.send({ event: 'work', data: 'w3' });
    client.send({ event: 'edit', data: 'e2' });
    await expectLog(client, 'begin w1', 'begin w2', 'begin e1');
    finish(3);
    await until('e2', () => log.includes('begin e2'));
    expect(log.slice(-3)).toEqual(['end e1', 'begin w3', 'begin e2']);
    finish(2);
  });

  it('holds the order behind an asynchronous middleware', async () => {
    const app = await start();
    const client = await app.connect('/some');
    const { clients } = app.nest.get(SomeGateway);
    const passes: (() => void)[] = [];
    clients[0]!.use((_message, next) => passes.push(next));
    client.send({ event: 'edit', data: 'e1' });
    client.send({ event: 'edit', data: 'e2' });
    await client.settled();
    expect(passes).toHaveLength(1);
    passes[0]!();
    await begun('e1');
    finish();
    await until('the second', () => passes.length === 2);
    passes[1]!();
    await begun('e2');
    finish();
  });

  it('is for methods', () => {
    expect(() => Reflect.apply(Ordered() as () => void, undefined, [class Gateway {}])).toThrow(
      '@Ordered: its target is the function Gateway: it takes a method: put @Ordered() on the handler',
    );
  });
});
