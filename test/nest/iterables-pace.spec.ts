import { randomBytes } from 'node:crypto';
import {
  Injectable,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { from, switchMap, tap, toArray, type Observable } from 'rxjs';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred } from '../support/wait.js';

let gate = deferred();

@Injectable()
class CollectLater implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return from(gate.promise).pipe(
      switchMap(() => next.handle()),
      toArray(),
    );
  }
}

@Injectable()
class PassOn implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(tap());
  }
}

/** Returns text that hardly compresses, which takes `ws` some time. */
const bulk = (): string => randomBytes(150_000).toString('base64');

@WebSocketGateway()
class BusyGateway {
  readonly disconnected = deferred();

  handleDisconnect(): void {
    this.disconnected.resolve();
  }
  @UseInterceptors(CollectLater)
  @SubscribeMessage('collected later')
  async *collected(): AsyncGenerator<number> {
    yield* [0, 1, 2];
  }
  @UseInterceptors(PassOn)
  @SubscribeMessage('passed on')
  async passedOn(): Promise<number> {
    return 1;
  }
  @SubscribeMessage('stream')
  *stream(): Generator<string> {
    for (let i = 0; i < 40; i++) yield bulk();
  }
}

expectNoUnhandledErrors();

describe('a generator', () => {
  it('waits only for the client that requested it, even if an interceptor subscribes late', async () => {
    gate = deferred();
    const app = await startApp({ providers: [BusyGateway] });
    const client = await app.connect();
    client.send({ event: 'collected later', id: 1 });
    await client.settled();
    const other = await app.connect();
    expect((await other.ask('passed on')).data).toBe(1);
    other.ws.terminate();
    await app.nest.get(BusyGateway).disconnected.promise;
    gate.resolve();
    expect((await client.answer(1)).data).toEqual([0, 1, 2]);
  });
});

describe.each([true, false])('a client that reads, with compression %s', (perMessageDeflate) => {
  const start = (): ReturnType<typeof startApp> =>
    startApp(
      { providers: [BusyGateway] },
      { adapter: { perMessageDeflate, limits: { maxBufferedBytes: 2_000_000 } } },
    );

  it('receives all values of a generator that pauses until they are written', async () => {
    const client = await (await start()).connect();
    client.send({ event: 'stream', id: 1, stream: true });
    for (let i = 0; i < 40; i++) expect((await client.answer(1)).more).toBe(true);
    expect(await client.answer(1)).toEqual({ event: 'stream', ack: 1 });
  });
});
