import {
  Catch,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ExceptionFilter,
} from '@nestjs/common';
import {
  Ack,
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { concat, EMPTY, from, interval, NEVER, of, throwError, type Observable } from 'rxjs';
import { EnvelopeSocket } from '../../lib/index.js';
import { underAttack } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

@Catch()
class SilentFilter implements ExceptionFilter {
  catch(): void {}
}
@Catch()
class BrokenFilter implements ExceptionFilter {
  catch(): void {
    throw new Error('the filter is broken');
  }
}
@Catch()
class LateFilter implements ExceptionFilter {
  async catch(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const fail = (): never => {
  throw new Error('the handler failed');
};
const refuse = { canActivate: () => false };
const failingPipe = { transform: fail };
const emptyInterceptor = { intercept: () => EMPTY };
const circular: { self?: unknown } = {};
circular.self = circular;

@WebSocketGateway({ path: '/ws' })
class HandlersGateway {
  readonly clients: EnvelopeSocket[] = [];
  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
  }

  @SubscribeMessage('echo') echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('void') returnsVoid(): void {}
  @SubscribeMessage('value') value(): number {
    return 1;
  }
  @SubscribeMessage('async') async later(): Promise<number> {
    await new Promise((resolve) => setImmediate(resolve));
    return 1;
  }
  @SubscribeMessage('throws') throws(): void {
    fail();
  }
  @SubscribeMessage('rejects') async rejects(): Promise<void> {
    await Promise.resolve();
    fail();
  }
  @SubscribeMessage('throws nothing') throwsNothing(): void {
    throw undefined;
  }
  @SubscribeMessage('refuses') refuses(): void {
    throw new WsException('no');
  }
  @SubscribeMessage('unwritable') unwritable(): unknown {
    return circular;
  }
  @SubscribeMessage('a thenable') thenable(): unknown {
    return { then: (resolve: (value: number) => void) => resolve(1) };
  }
  @UseFilters(SilentFilter)
  @SubscribeMessage('silent filter')
  silent(): void {
    fail();
  }
  @UseFilters(BrokenFilter)
  @SubscribeMessage('broken filter')
  broken(): void {
    fail();
  }
  @UseFilters(LateFilter)
  @SubscribeMessage('late filter')
  async late(): Promise<void> {
    fail();
  }
  @UseFilters(SilentFilter)
  @SubscribeMessage('silent filter of a source')
  silentSource(): Observable<unknown> {
    return throwError(() => new Error('the source failed'));
  }
  @UseGuards(refuse) @SubscribeMessage('guard') guarded(): void {}
  @UsePipes(failingPipe)
  @SubscribeMessage('pipe')
  piped(_data: unknown): void {}
  @UseInterceptors(emptyInterceptor)
  @SubscribeMessage('interceptor')
  intercepted(): void {}
  @SubscribeMessage('source') source(): Observable<number> {
    return of(1, 2, 3);
  }
  @SubscribeMessage('late source') lateSource(): Observable<number> {
    return from(Promise.resolve(1));
  }
  @SubscribeMessage('empty source') empty(): Observable<number> {
    return EMPTY;
  }
  @SubscribeMessage('failing source') failing(): Observable<number> {
    return concat(
      of(1),
      throwError(() => new Error('the source failed')),
    );
  }
  @SubscribeMessage('unwritable source') unwritableSource(): Observable<unknown> {
    return of(circular);
  }
  @SubscribeMessage('generator') *generator(): Generator<number> {
    yield 1;
    yield 2;
  }
  @SubscribeMessage('failing generator') async *failingGenerator(): AsyncGenerator<number> {
    yield 1;
    fail();
  }
  @SubscribeMessage('acknowledges') acknowledges(@Ack() ack: (value: number) => void): void {
    ack(1);
  }
  @SubscribeMessage('acknowledges twice') twice(@Ack() ack: (value: number) => void): void {
    ack(1);
    ack(2);
  }
  @SubscribeMessage('acknowledges and throws') acknowledgesAndThrows(
    @Ack() ack: (value: number) => void,
  ): void {
    ack(1);
    fail();
  }
  @SubscribeMessage('throws before it acknowledges') throwsBefore(@Ack() _ack: () => void): void {
    fail();
  }
  @SubscribeMessage('shared') shared(): number {
    return 1;
  }
  @SubscribeMessage('shared and failing') async sharedFailing(): Promise<void> {
    fail();
  }
  @SubscribeMessage('endless') endless(): Observable<number> {
    return interval(1);
  }
  @SubscribeMessage('never') never(): Observable<number> {
    return NEVER;
  }
  @SubscribeMessage('endless generator') async *endlessGenerator(): AsyncGenerator<number> {
    for (let value = 0; ; value++) yield value;
  }
  @SubscribeMessage('disconnects its client') disconnectsClient(
    @ConnectedSocket() client: EnvelopeSocket,
  ): number {
    client.disconnect();
    return 1;
  }
}

@WebSocketGateway({ path: '/ws' })
class OtherGateway {
  @SubscribeMessage('shared') async shared(): Promise<number> {
    return 2;
  }
  @SubscribeMessage('shared and failing') sharedFailing(): Observable<number> {
    return of(1, 2);
  }
}

const EVENTS = [
  ...['void', 'value', 'async', 'throws', 'rejects', 'throws nothing', 'refuses', 'unwritable', 'a thenable'],
  ...['silent filter', 'broken filter', 'late filter', 'silent filter of a source'],
  ...['guard', 'pipe', 'interceptor', 'shared', 'shared and failing', 'unhandled', 'listener', 'middleware'],
  ...['source', 'late source', 'empty source', 'failing source', 'unwritable source', 'generator'],
  ...['failing generator', 'acknowledges', 'acknowledges twice', 'acknowledges and throws'],
  'throws before it acknowledges',
];
const ENDLESS = ['endless', 'never', 'endless generator'];

const attack = underAttack([HandlersGateway, OtherGateway], { limits: { maxInFlight: 4 } });

describe('a message in flight ends', () => {
  expectNoUnhandledErrors();

  it.each(EVENTS)('%s', (event) =>
    attack(async ({ attacker, gateway }) => {
      const client = await attacker();
      const socket = gateway.clients.at(-1)!;
      socket.on('listener', (_data: unknown, ack?: () => void) => ack?.());
      socket.use(([name], next) => (name === 'middleware' ? next(new Error('no')) : next()));
      // Many more messages than may be in flight: one wrong count would block the messages after it.
      // A request that a filter leaves unanswered gets an answer after one second, four at a time.
      const count = event.includes('filter') ? 3 : 12;
      for (let id = 0; id < count; id++) {
        client.send({ event, data: 1 });
        client.send({ event, data: 1, id: `${id}` });
        client.send({ event, data: 1, id, stream: true });
      }
      const isFinal = (id: string | number): boolean =>
        client.frames.some(({ ack, more }) => ack === id && !more);
      await client.until('all answers', () =>
        Array.from({ length: count }, (_, id) => id).every((id) => isFinal(id) && isFinal(`${id}`)),
      );
      await until('the end of all messages', () => socket._requests.inFlight === 0);
      expect(socket._requests.running).toBe(0);
      expect([...socket._requests.values()]).toEqual([]);
      expect(socket._requests.streams).toBe(0);
      expect(await client.ask('echo', 1)).toMatchObject({ data: 1 });
      await client.settled();
      for (let id = 0; id < count; id++) {
        for (const key of [id, `${id}`])
          expect(client.frames.filter(({ ack, more }) => ack === key && !more)).toHaveLength(1);
      }
      expect(socket._requests.inFlight).toBe(0);
    })(),
  );

  it.each(ENDLESS)('%s, when the client cancels it or disconnects', (event) =>
    attack(async ({ attacker, gateway, server }) => {
      const client = await attacker();
      const socket = gateway.clients.at(-1)!;
      for (let id = 0; id < 12; id++) {
        client.send({ event, id, stream: true });
        client.send({ event: '$cancel', data: id });
        expect(
          (await client.until('the answer', () =>
            client.frames.some(({ ack, more }) => ack === id && !more),
          )) as boolean,
        ).toBe(true);
      }
      expect(socket._requests.inFlight).toBe(0);
      for (let id = 0; id < 2; id++) {
        client.send({ event, id, stream: true });
        client.send({ event });
      }
      await client.settled();
      expect(socket._requests.inFlight).toBe(4);
      client.ws.terminate();
      await until('the disconnect', () => server.sockets.size === 1);
      await until('the end of all messages', () => socket._requests.inFlight === 0);
    })(),
  );

  it(
    'when its handler disconnects the client',
    attack(async ({ attacker, gateway }) => {
      for (const message of [{ id: 1 }, {}, { id: 1, stream: true }]) {
        const client = await attacker();
        for (let i = 0; i < 3; i++)
          client.send({ event: 'disconnects its client', ...message, ...('id' in message && { id: i }) });
        expect(await client.ended()).toEqual({ code: 1000, reason: '' });
        await until('the end of all messages', () => gateway.clients.at(-1)!._requests.inFlight === 0);
      }
    }),
  );
});
