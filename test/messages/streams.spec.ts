import { Injectable, UseInterceptors, type CallHandler, type NestInterceptor } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { from, generate, NEVER, Observable, of, range, throwError } from 'rxjs';
import { EnvelopeSocket } from '../../lib/index.js';
import type { TestClient } from '../support/client.js';
import { underAttack } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred, until } from '../support/wait.js';

function* forever(value = (i: number): unknown => i): Generator<unknown> {
  for (let i = 0; ; i++) yield value(i);
}

function failTeardown(): never {
  throw new Error('the teardown failed');
}

@Injectable()
class PassThroughInterceptor implements NestInterceptor {
  intercept(_context: unknown, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}

@WebSocketGateway({ path: '/ws' })
class SourcesGateway {
  readonly ended: string[] = [];
  gate = deferred();
  calls = 0;

  private recordEnd(source: Observable<unknown>, name: string): Observable<unknown> {
    return new Observable((subscriber) => {
      const subscription = source.subscribe(subscriber);
      return () => {
        subscription.unsubscribe();
        this.ended.push(name);
      };
    });
  }

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('generator')
  async *generator(): AsyncGenerator<unknown> {
    try {
      for (let i = 0; ; i++) {
        yield i;
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      this.ended.push('generator');
    }
  }
  @SubscribeMessage('observable')
  observable(): unknown {
    return this.recordEnd(NEVER, 'observable');
  }
  @SubscribeMessage('failing end')
  async *failingEnd(): AsyncGenerator<unknown> {
    try {
      for (let i = 0; ; i++) {
        yield i;
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      this.ended.push('failing end');
      failTeardown();
    }
  }
  @SubscribeMessage('failing teardown')
  failingTeardown(): unknown {
    return new Observable(() => () => {
      this.ended.push('failing teardown');
      failTeardown();
    });
  }
  @SubscribeMessage('failing iterator')
  failingIterator(): unknown {
    const source = {
      next: () => new Promise(() => undefined),
      return: () => {
        this.ended.push('failing iterator');
        failTeardown();
      },
      [Symbol.asyncIterator]: () => source,
    };
    return source;
  }
  @SubscribeMessage('late observable')
  async lateObservable(): Promise<unknown> {
    this.calls++;
    await this.gate.promise;
    return this.recordEnd(of(1), 'late observable');
  }
  @SubscribeMessage('late generator')
  async lateGenerator(): Promise<unknown> {
    this.calls++;
    await this.gate.promise;
    return forever();
  }
  @SubscribeMessage('disconnect within')
  *disconnectWithin(@ConnectedSocket() client: EnvelopeSocket): Generator<number> {
    try {
      yield 1;
      client.disconnect();
      yield 2;
    } finally {
      this.ended.push('disconnect within');
    }
  }
  @SubscribeMessage('infinite')
  infinite(@MessageBody() kind: string): unknown {
    if (kind === 'generator') return forever();
    if (kind === 'silent generator') return forever(() => null);
    if (kind === 'observable')
      return generate(
        0,
        () => true,
        (i) => i + 1,
      );
    if (kind === 'range') return range(0, Infinity);
    return from(forever() as Iterable<unknown>);
  }
  @UseInterceptors(PassThroughInterceptor)
  @SubscribeMessage('intercepted')
  *intercepted(): Generator<unknown> {
    try {
      for (;;) yield 1;
    } finally {
      this.ended.push('intercepted');
    }
  }
  @SubscribeMessage('values then error')
  valueThenError(): unknown {
    return new Observable((subscriber) => {
      subscriber.next(1);
      throw new Error('secret');
    });
  }
  @SubscribeMessage('error')
  error(): unknown {
    return throwError(() => 'a string');
  }
}

const attack = underAttack(SourcesGateway);
const values = (client: TestClient, ack: number) => client.frames.filter((frame) => frame.ack === ack);

describe('sources of several values', () => {
  expectNoUnhandledErrors();

  it.each(['generator', 'observable', 'failing end', 'failing teardown', 'failing iterator'])(
    '$cancel ends a %s and sends one final answer',
    (event) =>
      attack(async ({ attacker, gateway }) => {
        const client = await attacker();
        client.send({ event, id: 1, stream: true });
        await client.settled();
        client.send({ event: '$cancel', data: 1 });
        client.send({ event: '$cancel', data: 1 });
        client.send({ event: '$cancel', data: 'unknown' });
        client.send({ event: '$cancel', data: { __proto__: 1 } });
        client.send({ event: '$cancel' });
        await client.until(
          'the final answer',
          () => values(client, 1).at(-1)?.more === undefined && values(client, 1).length > 0,
        );
        await until('the end of the source', () => gateway.ended.length > 0);
        expect(values(client, 1).at(-1)).toEqual({ event, ack: 1 });
        expect(gateway.ended).toEqual([event]);
        const count = values(client, 1).length;
        await client.settled();
        expect(values(client, 1)).toHaveLength(count);
        expect(client.closed).toBeUndefined();
        // The id can be used again.
        client.send({ event: 'echo', data: 1, id: 1 });
        expect(await client.next('echo')).toEqual({ event: 'echo', data: 1, ack: 1 });
      })(),
  );

  it.each(['generator', 'observable', 'failing end', 'failing teardown', 'failing iterator'])(
    'a disconnect ends a %s with and without an id, and the other streams of the client',
    (event) =>
      attack(async ({ attacker, gateway, server }) => {
        const client = await attacker();
        client.send({ event });
        client.send({ event, id: 1, stream: true });
        client.send({ event, id: 2, stream: true });
        client.send({ event: 'observable', id: 3, stream: true });
        await client.settled();
        client.ws.terminate();
        await until('the end of the sources', () => gateway.ended.length >= 4);
        expect(gateway.ended.sort()).toEqual([event, event, event, 'observable'].sort());
        expect(server.sockets.size).toBe(1);
      })(),
  );

  it.each(['late observable', 'late generator'])(
    'a %s does not start once its client has disconnected',
    (event) =>
      attack(async ({ attacker, gateway, app, server }) => {
        const client = await attacker();
        client.send({ event });
        client.send({ event, id: 1 });
        client.send({ event, id: 2, stream: true });
        await until('the handlers', () => gateway.calls === 3);
        client.ws.terminate();
        await until('the disconnect', () => server.sockets.size === 1);
        gateway.gate.resolve();
        await gateway.gate.promise;
        const witness = await attacker();
        await witness.settled();
        expect(gateway.ended).toEqual([]);
        expect(app.log.of('error')).toEqual([]);
      })(),
  );

  it.each([undefined, 1])('a generator that disconnects its own client ends (id %s)', (id) =>
    attack(async ({ attacker, gateway, app }) => {
      const client = await attacker();
      client.send({ event: 'disconnect within', ...(id === undefined ? {} : { id, stream: true }) });
      expect((await client.ended()).code).toBe(1000);
      await until('the end of the source', () => gateway.ended.length > 0);
      expect(client.frames).toHaveLength(1);
      expect(gateway.ended).toEqual(['disconnect within']);
      expect(app.log.of('error')).toEqual([]);
    })(),
  );

  it.each(['generator', 'silent generator', 'observable', 'range', 'iterable'])(
    'an infinite synchronous %s answers with its first value and ends',
    (kind) =>
      attack(async ({ attacker }) => {
        const client = await attacker();
        const answer = await client.ask('infinite', kind, 1);
        expect(answer).toEqual({ event: 'infinite', data: kind === 'silent generator' ? null : 0, ack: 1 });
        await client.settled();
        expect(values(client, 1)).toHaveLength(1);
      })(),
  );

  it.each(['generator', 'silent generator'])(
    'an infinite synchronous %s does not block other clients',
    (kind) =>
      attack(async ({ attacker, expectServed }) => {
        const client = await attacker();
        client.send({ event: 'infinite', data: kind });
        client.send({ event: 'infinite', data: kind, id: 1, stream: true });
        for (let i = 0; i < 5; i++) await expectServed();
        client.send({ event: '$cancel', data: 1 });
        await client.until('the final answer', () => values(client, 1).some(({ more }) => more !== true));
        client.ws.terminate();
        await expectServed();
      })(),
  );

  it(
    'an infinite generator behind an interceptor does not block other clients, and ends with its client',
    attack(async ({ attacker, gateway, expectServed }) => {
      const client = await attacker();
      client.send({ event: 'intercepted' });
      client.send({ event: 'intercepted', id: 1, stream: true });
      await expectServed();
      client.send({ event: '$cancel', data: 1 });
      await until('the end of one source', () => gateway.ended.length === 1);
      client.ws.terminate();
      await until('the end of both sources', () => gateway.ended.length === 2);
    }),
  );

  it(
    'a client that does not read pauses its own sources only',
    attack(async ({ raw, server, expectServed }) => {
      const client = await raw();
      client.tcp.pause();
      for (let id = 0; id < 20; id++) client.text({ event: 'infinite', data: 'generator', id, stream: true });
      const findSlowSocket = () => [...server.clients].find((socket) => socket.bufferedAmount > 0);
      await until(
        'a full send buffer',
        () => findSlowSocket() !== undefined && !findSlowSocket()!._connection.outbox.isIdle,
      );
      const slowSocket = findSlowSocket()!;
      for (let i = 0; i < 5; i++) await expectServed();
      expect(slowSocket.bufferedAmount).toBeLessThan(5_000_000);
      expect(slowSocket.ws.listenerCount('close')).toBeLessThan(5);
    }),
  );

  it(
    'a source that fails ends the request with an exception without details',
    attack(async ({ attacker }) => {
      const client = await attacker();
      const failure = {
        event: 'exception',
        data: expect.objectContaining({ message: 'Internal server error' }),
      };
      client.send({ event: 'values then error', id: 1, stream: true });
      expect(await client.answer(1)).toMatchObject({ data: 1, more: true });
      expect(await client.answer(1)).toEqual({ ...failure, ack: 1 });
      expect(await client.ask('error', 1, 2)).toEqual({ ...failure, ack: 2 });
      client.send({ event: 'error' });
      expect(await client.next('exception')).toEqual(failure);
      expect(JSON.stringify(client.frames)).not.toContain('secret');
    }),
  );
});
