import { setTimeout as pause } from 'node:timers/promises';
import { Controller, Injectable, Scope, UseInterceptors } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, type ClientProxy } from '@nestjs/microservices';
import { firstValueFrom, map, NEVER, Observable } from 'rxjs';
import { AbortError, messageContext, Ordered, Signal } from '../../lib/index.js';
import { EnvelopeClient, EnvelopeContext } from '../../lib/microservices/index.js';
import type { TestClient } from '../support/client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred, until } from '../support/wait.js';
import { answerOf, ask, receivedMessages, sendMessage, startHybrid } from './fixture.js';

const FOREVER = 1_000_000;
const signals: AbortSignal[] = [];
const log: unknown[] = [];
let gate = deferred<unknown>();

@Injectable()
class Mapped {
  intercept(_: unknown, next: { handle(): Observable<unknown> }): Observable<unknown> {
    return next.handle().pipe(map((value) => value));
  }
}

function wait(signal: AbortSignal): Promise<unknown> {
  signals.push(signal);
  return pause(FOREVER, 'never', { signal });
}

@Controller()
class SignalController {
  @MessagePattern('injected')
  async injected(@Payload() _data: unknown, @Signal() signal: AbortSignal): Promise<unknown> {
    return wait(signal);
  }
  @MessagePattern('of the context')
  async ofContext(@Ctx() context: EnvelopeContext): Promise<unknown> {
    expect(context.signal).toBe(messageContext()!.signal);
    return wait(context.signal);
  }
  @UseInterceptors(Mapped)
  @MessagePattern('intercepted')
  async intercepted(@Signal() signal: AbortSignal): Promise<unknown> {
    return wait(signal);
  }
  @MessagePattern('observable')
  observable(@Signal() signal: AbortSignal): Observable<never> {
    signals.push(signal);
    return NEVER;
  }
  @MessagePattern('ignores it')
  async ignores(@Signal() signal: AbortSignal): Promise<unknown> {
    signals.push(signal);
    return gate.promise;
  }
  @MessagePattern('quick')
  quick(@Signal() signal: AbortSignal): string {
    signals.push(signal);
    return 'done';
  }
  @EventPattern('event')
  async event(@Signal() signal: AbortSignal): Promise<unknown> {
    return wait(signal);
  }
  @Ordered()
  @MessagePattern({ cmd: 'ordered', v: 1 })
  async ordered(@Payload() data: unknown): Promise<unknown> {
    log.push(['begin', data]);
    await gate.promise;
    log.push(['end', data]);
    return data;
  }
  @Ordered()
  @EventPattern('ordered event')
  async orderedEvent(@Payload() data: unknown): Promise<void> {
    await this.ordered(data);
  }
  @Ordered()
  @MessagePattern('ordered stream')
  stream(): Observable<unknown> {
    return new Observable((subscriber) => void gate.promise.then((value) => subscriber.next(value)));
  }
  @MessagePattern('note')
  note(@Payload() data: unknown): void {
    log.push(data);
  }
}

@Controller({ scope: Scope.REQUEST })
class ScopedController {
  @MessagePattern('scoped')
  async scoped(@Signal() signal: AbortSignal): Promise<unknown> {
    return wait(signal);
  }
}

const META = { controllers: [SignalController, ScopedController], providers: [Mapped] };
const adapter = { messageContext: true };

async function called(count = 1): Promise<AbortSignal> {
  await until('the handler', () => signals.length === count);
  return signals[count - 1]!;
}

async function aborted(signal: AbortSignal, cause: string): Promise<void> {
  await until('the abort', () => signal.aborted);
  expect(signal.reason).toBeInstanceOf(AbortError);
  expect(signal.reason).toMatchObject({ cause });
}

const finals = (client: TestClient, id: unknown): object[] =>
  receivedMessages(client).filter((message) => message.id === id && message.more === undefined);

describe('a handler of a pattern', () => {
  expectNoUnhandledErrors();
  beforeEach(() => {
    signals.length = log.length = 0;
    gate = deferred();
  });
  afterEach(() => gate.resolve('late'));

  it.each(['injected', 'of the context', 'intercepted', 'observable', 'scoped', 'ignores it'])(
    'learns of $cancel, which answers at once: %s',
    async (pattern) => {
      const app = await startHybrid(META, { adapter });
      const client = await app.connect('/');
      sendMessage(client, 'message', pattern, null, { id: 1 });
      const signal = await called();
      client.send({ event: '$cancel', data: 1 });
      expect(await answerOf(client, 1)).toEqual({ kind: 'response', pattern, metadata: {}, id: 1 });
      await aborted(signal, 'cancelled');
      gate.resolve('late');
      await ask(client, 'quick');
      await client.settled();
      expect(finals(client, 1)).toHaveLength(1);
      expect(app.log.of('error')).toEqual([]);
    },
  );

  it.each(['injected', 'of the context', 'intercepted', 'observable', 'event'])(
    'learns that the client has disconnected: %s',
    async (pattern) => {
      const app = await startHybrid(META, { adapter });
      const client = await app.connect('/');
      sendMessage(client, pattern === 'event' ? 'event' : 'message', pattern, null);
      const signal = await called();
      client.ws.terminate();
      await aborted(signal, 'disconnected');
      const other = await app.connect('/');
      await ask(other, 'quick');
      expect(app.log.of('error')).toEqual([]);
    },
  );

  it('counts as in flight until it has ended, and does not learn of anything after its answer', async () => {
    const app = await startHybrid(META, { adapter: { limits: { maxInFlight: 1 } } });
    const client = await app.connect('/');
    sendMessage(client, 'message', 'ignores it', null, { id: 1 });
    await called();
    client.send({ event: '$cancel', data: 1 });
    await answerOf(client, 1);
    sendMessage(client, 'message', 'quick', null, { id: 2 });
    await client.settled();
    expect(signals).toHaveLength(1);
    gate.resolve('late');
    await answerOf(client, 2);
    client.ws.terminate();
    await until('the disconnect', () => app.adapter.create(0).engine.clientsCount === 0);
    expect(signals[1]!.aborted).toBe(false);
  });

  it('learns that another service has unsubscribed', async () => {
    const app = await startHybrid(META);
    const proxy: ClientProxy = new EnvelopeClient({ url: app.url('/') });
    try {
      const subscription = proxy.send('injected', {}).subscribe();
      const signal = await called();
      subscription.unsubscribe();
      await aborted(signal, 'cancelled');
      expect(await firstValueFrom(proxy.send('quick', {}))).toBe('done');
    } finally {
      await proxy.close();
    }
  });

  it.each([
    ['message', { v: 1, cmd: 'ordered' }],
    ['event', 'ordered event'],
  ] as const)('with @Ordered() lets later messages wait: a %s', async (kind, pattern) => {
    const app = await startHybrid(META);
    const client = await app.connect('/');
    sendMessage(client, kind, pattern, 'a');
    sendMessage(client, 'message', 'note', 'b');
    await until('the handler', () => log.length === 1);
    await client.settled();
    expect(log).toEqual([['begin', 'a']]);
    gate.resolve(undefined);
    await until('the next', () => log.length === 3);
    expect(log).toEqual([['begin', 'a'], ['end', 'a'], 'b']);
  });

  it('with @Ordered() lets later messages wait for the first value of a source', async () => {
    const app = await startHybrid(META);
    const client = await app.connect('/');
    sendMessage(client, 'message', 'ordered stream', null, { id: 1 });
    sendMessage(client, 'message', 'note', 'b');
    await client.settled();
    expect(log).toEqual([]);
    gate.resolve('first');
    await until('the next', () => log.length === 1);
    client.send({ event: '$cancel', data: 1 });
    expect(await answerOf(client, 1)).toMatchObject({ kind: 'response' });
  });

  it('follows the option ordered of the path', async () => {
    const app = await startHybrid(META, { adapter: { ordered: true } });
    const client = await app.connect('/');
    sendMessage(client, 'message', 'ignores it', null);
    sendMessage(client, 'message', 'note', 'b');
    await called();
    await client.settled();
    expect(log).toEqual([]);
    gate.resolve(undefined);
    await until('the next', () => log.length === 1);
  });
});
