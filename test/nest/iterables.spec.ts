import { Readable } from 'node:stream';
import {
  Catch,
  Injectable,
  Scope,
  UseFilters,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { catchError, map, of, retry, take, toArray, type Observable } from 'rxjs';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred } from '../support/wait.js';

class LostError extends Error {}

async function* failing(error: unknown): AsyncGenerator<number> {
  yield 1;
  throw error;
}
const failingIterable = (error: unknown): AsyncIterable<number> => ({
  [Symbol.asyncIterator]: () => failing(error),
});
/** Fails when its iterator is requested, and when the first value is requested. */
const unopened = (error: unknown): unknown => ({
  [Symbol.asyncIterator]: (): never => {
    throw error;
  },
});

/** One handler of each kind. Each throws the error from `errorOf` after one value, the last one before any value. */
class Handlers {
  errorOf(): unknown {
    return new WsException('no');
  }

  @SubscribeMessage('async generator')
  async *asyncGenerator(): AsyncGenerator<number> {
    yield 1;
    throw this.errorOf();
  }
  @SubscribeMessage('generator')
  *generator(): Generator<number> {
    yield 1;
    throw this.errorOf();
  }
  @SubscribeMessage('promised generator')
  async promised(): Promise<AsyncGenerator<number>> {
    return failing(this.errorOf());
  }
  @SubscribeMessage('thenable')
  thenable(): unknown {
    const value = failing(this.errorOf());
    return { then: (resolve: (result: unknown) => void) => resolve({ [Symbol.asyncIterator]: () => value }) };
  }
  @SubscribeMessage('iterable')
  iterable(): unknown {
    return failingIterable(this.errorOf());
  }
  @SubscribeMessage('readable')
  readable(): Readable {
    return Readable.from(failing(this.errorOf()));
  }
  @SubscribeMessage('unopened')
  unopened(): unknown {
    return unopened(this.errorOf());
  }
}
const KINDS = [
  ...['async generator', 'generator', 'promised generator', 'thenable', 'iterable', 'readable'],
  'unopened',
];

@WebSocketGateway()
class PlainGateway extends Handlers {}

@Catch(LostError)
class LostFilter implements ExceptionFilter {
  catch(_error: LostError, host: ArgumentsHost): void {
    const ws = host.switchToWs();
    ws.getClient<{ emit(event: string, data: unknown): void }>().emit('exception', {
      lost: ws.getPattern(),
      data: ws.getData<unknown>(),
    });
  }
}

@UseFilters(LostFilter)
@WebSocketGateway()
class FilteredGateway extends Handlers {
  override errorOf(): Error {
    return new LostError('secret');
  }
}

@Injectable()
class CatchAndReplace implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(catchError((error: Error) => of(`rescued from ${error.message}`)));
  }
}

@UseInterceptors(CatchAndReplace)
@WebSocketGateway()
class InterceptedGateway extends Handlers {}

@Injectable({ scope: Scope.REQUEST })
@UseFilters(LostFilter)
@WebSocketGateway()
class ScopedGateway extends Handlers {
  override errorOf(): Error {
    return new LostError('secret');
  }
}

async function start(gateway: Type) {
  const app = await startApp({ providers: [gateway] });
  return { app, client: await app.connect() };
}

expectNoUnhandledErrors();

describe('an error in an iterable result', () => {
  it.each(KINDS)('reaches the default filter with its cause: %s', async (event) => {
    const { app, client } = await start(PlainGateway);
    const data = { status: 'error', message: 'no', cause: { pattern: event, data: { name: 1 } } };
    client.send({ event, data: { name: 1 } });
    expect(await client.next('exception')).toEqual({ event: 'exception', data });
    client.send({ event, data: { name: 1 }, id: 1, stream: true });
    if (event !== 'unopened') expect(await client.answer(1)).toEqual({ event, data: 1, ack: 1, more: true });
    expect(await client.answer(1)).toEqual({ event: 'exception', data, ack: 1 });
    expect(app.log.of('error')).toEqual([]);
  });

  it.each(KINDS)('hides an unknown error from the client and logs it once: %s', async (event) => {
    const { app, client } = await start(PlainGateway);
    app.nest.get(PlainGateway).errorOf = () => new Error('secret');
    const answer = await client.ask(event, 'x', 1);
    const message = 'Internal server error';
    if (event === 'unopened') expect(answer.data.message).toBe(message);
    client.send({ event, data: 'x' });
    expect((await client.next('exception')).data).toEqual({
      status: 'error',
      message,
      cause: { pattern: event, data: 'x' },
    });
    await client.settled();
    expect(app.log.of('error')).toHaveLength(event === 'unopened' ? 2 : 1);
    expect(JSON.stringify(client.frames)).not.toContain('secret');
  });

  it.each(KINDS)('reaches the filter of the gateway: %s', async (event) => {
    const { client } = await start(FilteredGateway);
    client.send({ event, data: 7, id: 'a', stream: true });
    client.send({ event, data: 8 });
    const last = { event: 'exception', data: { lost: event, data: 7 }, ack: 'a' };
    if (event !== 'unopened') await client.answer('a');
    expect(await client.answer('a')).toEqual(last);
    await client.settled();
    expect(client.frames).toContainEqual({ event: 'exception', data: { lost: event, data: 8 } });
  });

  it.each(KINDS)('reaches the filter of a request-scoped gateway: %s', async (event) => {
    const { client } = await start(ScopedGateway);
    client.send({ event, data: 8 });
    expect(await client.next('exception')).toEqual({ event: 'exception', data: { lost: event, data: 8 } });
  });

  it.each(KINDS)('reaches interceptors: %s', async (event) => {
    const { client } = await start(InterceptedGateway);
    const values = event === 'unopened' ? ['rescued from no'] : [1, 'rescued from no'];
    client.send({ event });
    client.send({ event, id: 1, stream: true });
    for (const data of values) expect(await client.answer(1)).toMatchObject({ data, more: true });
    expect(await client.answer(1)).toEqual({ event, ack: 1 });
    await client.settled();
    const withoutId = client.frames.filter((frame) => frame.ack === undefined);
    expect(withoutId).toEqual(values.map((data) => ({ event, data })));
  });
});

@Injectable()
class Doubling implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler<number>): Observable<number> {
    return next.handle().pipe(map((value) => value * 2));
  }
}
@Injectable()
class FirstThree implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(take(3), toArray());
  }
}
@Injectable()
class RetryTwice implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(retry(2));
  }
}

@WebSocketGateway()
class CountingGateway {
  readonly ended = deferred();
  attempts = 0;

  @SubscribeMessage('count')
  async *count(@MessageBody() to: number): AsyncGenerator<number> {
    try {
      for (let i = 0; i < to; i++) yield i;
    } finally {
      this.ended.resolve();
    }
  }
  @UseInterceptors(Doubling)
  @SubscribeMessage('double')
  double(@MessageBody() to: number): AsyncGenerator<number> {
    return this.count(to);
  }
  @UseInterceptors(FirstThree)
  @SubscribeMessage('first three')
  firstThree(): AsyncGenerator<number> {
    return this.count(Infinity);
  }
  @UseInterceptors(RetryTwice)
  @SubscribeMessage('retried')
  retried(): Observable<unknown> | AsyncIterable<number> {
    return { [Symbol.asyncIterator]: () => (++this.attempts < 3 ? failing(new Error()) : this.count(1)) };
  }
  @SubscribeMessage('list')
  async list(): Promise<unknown> {
    return [new Map([[1, 2]]).size, [1, 2], 'text'];
  }
}

describe('an interceptor', () => {
  it('receives each value of a generator', async () => {
    const { client } = await start(CountingGateway);
    client.send({ event: 'double', data: 3, id: 1, stream: true });
    for (const data of [0, 2, 4]) expect(await client.answer(1)).toMatchObject({ data, more: true });
    expect(await client.answer(1)).toEqual({ event: 'double', ack: 1 });
  });

  it('ends a generator when it needs no more values', async () => {
    const app = await startApp({ providers: [CountingGateway] });
    const client = await app.connect();
    expect((await client.ask('first three')).data).toEqual([0, 1, 2]);
    await app.nest.get(CountingGateway).ended.promise;
  });

  it('opens an iterable again for each retry', async () => {
    const app = await startApp({ providers: [CountingGateway] });
    const client = await app.connect();
    client.send({ event: 'retried' });
    await client.settled();
    for (const data of [1, 1, 0]) expect(await client.next('retried')).toEqual({ event: 'retried', data });
    expect(app.nest.get(CountingGateway).attempts).toBe(3);
  });
});

describe('a method with @SubscribeMessage', () => {
  it('returns a generator to code that calls it directly', async () => {
    const app = await startApp({ providers: [CountingGateway] });
    const values: number[] = [];
    for await (const value of app.nest.get(CountingGateway).count(3)) values.push(value);
    expect(values).toEqual([0, 1, 2]);
  });

  it('is restored when the application has closed', async () => {
    const app = await startApp({ providers: [CountingGateway] });
    const { count } = CountingGateway.prototype;
    expect(Object.hasOwn(count, 'apply')).toBe(true);
    await app.close();
    expect(Object.hasOwn(count, 'apply')).toBe(false);
  });

  it('answers with an array as one value', async () => {
    const { client } = await start(CountingGateway);
    expect((await client.ask('list')).data).toEqual([1, [1, 2], 'text']);
  });
});
