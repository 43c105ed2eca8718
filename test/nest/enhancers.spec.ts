import {
  Injectable,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { catchError, EMPTY, map, of, tap, throwError, type Observable } from 'rxjs';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';

declare const NEST_MAJOR: 11 | 12;

/** The names of the enhancers that ran, in order. */
let calls: string[] = [];
beforeEach(() => {
  calls = [];
});

/** Returns a guard, an interceptor and a pipe that record their names. */
function trace(name: string) {
  @Injectable()
  class TracingGuard implements CanActivate {
    canActivate(): boolean {
      return calls.push(`${name} guard`) > 0;
    }
  }
  @Injectable()
  class TracingInterceptor implements NestInterceptor {
    intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
      calls.push(`${name} interceptor`);
      return next.handle().pipe(tap(() => calls.push(`${name} interceptor end`)));
    }
  }
  @Injectable()
  class TracingPipe implements PipeTransform {
    transform(value: unknown): unknown {
      calls.push(`${name} pipe`);
      return value;
    }
  }
  return { guard: TracingGuard, interceptor: TracingInterceptor, pipe: TracingPipe };
}

const global = trace('global');
const ofClass = trace('class');
const ofMethod = trace('method');

/** Accepts a client that sends `{ token: 'good' }` and records everything that a guard can read. */
@Injectable()
class TokenGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const ws = context.switchToWs();
    const client: unknown = ws.getClient();
    calls.push(
      [
        client instanceof EnvelopeSocket,
        context.getType(),
        context.getClass().name,
        context.getHandler().name,
        ws.getPattern(),
      ].join(' '),
    );
    return (ws.getData<{ token?: string } | undefined>() ?? {}).token === 'good';
  }
}

const interceptWith = (act: (handled: Observable<unknown>) => Observable<unknown>): NestInterceptor => ({
  intercept: (_, next) => act(next.handle()),
});

@UseGuards(ofClass.guard)
@UseInterceptors(ofClass.interceptor)
@UsePipes(ofClass.pipe)
@WebSocketGateway()
class TracedGateway {
  @UseGuards(ofMethod.guard)
  @UseInterceptors(ofMethod.interceptor)
  @UsePipes(ofMethod.pipe)
  @SubscribeMessage('traced')
  traced(@MessageBody() data: unknown): unknown {
    calls.push('handler');
    return data;
  }
}

@WebSocketGateway()
class EnhancedGateway {
  @UseGuards(TokenGuard)
  @SubscribeMessage('guarded')
  guarded(): string {
    return 'in';
  }
  @UseInterceptors(interceptWith(map((value) => ({ wrapped: value }))))
  @SubscribeMessage('mapped')
  mapped(@MessageBody() data: unknown): unknown {
    return data;
  }
  @UseInterceptors(interceptWith(map((data) => ({ event: 'renamed', data }))))
  @SubscribeMessage('renaming')
  renaming(@MessageBody() data: unknown): unknown {
    return data;
  }
  @UseInterceptors(interceptWith(catchError((error: Error) => of(`instead of ${error.message}`))))
  @SubscribeMessage('caught')
  caught(): void {
    throw new Error('secret');
  }
  @UseInterceptors(
    interceptWith(catchError((error: Error) => throwError(() => new WsException(error.message)))),
  )
  @SubscribeMessage('translated')
  async translated(): Promise<void> {
    throw new Error('not so secret');
  }
  @UseInterceptors({ intercept: () => of('cached') })
  @SubscribeMessage('cached')
  cached(): void {
    calls.push('handler');
  }
  @UseInterceptors({ intercept: () => EMPTY })
  @SubscribeMessage('swallowed')
  swallowed(): string {
    return 'never seen';
  }
  @UseInterceptors({ intercept: () => throwError(() => new WsException('too slow')) })
  @SubscribeMessage('failing')
  failing(): void {}
  @UseInterceptors({
    intercept: () => {
      throw new WsException('not today');
    },
  })
  @SubscribeMessage('throwing')
  throwing(): void {}
}

expectNoUnhandledErrors();

describe('enhancers', () => {
  const local = [
    'class guard',
    'method guard',
    'class interceptor',
    'method interceptor',
    'class pipe',
    'method pipe',
  ];
  const ends = ['handler', 'method interceptor end', 'class interceptor end'];
  // Nest 11 does not apply global enhancers to gateways.
  const expected =
    NEST_MAJOR === 11
      ? [...local, ...ends]
      : [
          'global guard',
          ...local.slice(0, 2),
          'global interceptor',
          ...local.slice(2, 4),
          'global pipe',
          ...local.slice(4),
          ...ends,
          'global interceptor end',
        ];

  it('run in the order of Nest, including app.useGlobal… on Nest 12', async () => {
    const app = await startApp(
      { providers: [TracedGateway] },
      {
        before: (nest) => {
          nest.useGlobalGuards(new global.guard());
          nest.useGlobalInterceptors(new global.interceptor());
          nest.useGlobalPipes(new global.pipe());
        },
      },
    );
    const client = await app.connect();
    // The class guard ran at the upgrade; global guards do not run there.
    expect(calls.splice(0)).toEqual(['class guard']);
    expect(await client.ask('traced', 'x', 1)).toEqual({ event: 'traced', data: 'x', ack: 1 });
    expect(calls).toEqual(expected);
    calls = [];
    client.send({ event: 'traced', data: 'y' });
    expect(await client.next('traced')).toEqual({ event: 'traced', data: 'y' });
    expect(calls).toEqual(expected);
  });

  it('run in the order of Nest, including APP_… tokens on Nest 12', async () => {
    const app = await startApp({
      providers: [
        TracedGateway,
        { provide: APP_GUARD, useClass: global.guard },
        { provide: APP_INTERCEPTOR, useClass: global.interceptor },
        { provide: APP_PIPE, useClass: global.pipe },
      ],
    });
    const client = await app.connect();
    expect(calls.splice(0)).toEqual(['class guard']);
    await client.ask('traced', 'x');
    expect(calls).toEqual(expected);
  });

  it('reject a message when a guard returns false', async () => {
    const client = await (await startApp({ providers: [EnhancedGateway] })).connect();
    const refusal = (data: unknown) => ({
      event: 'exception',
      data: { status: 'error', message: 'Forbidden resource', cause: { pattern: 'guarded', data } },
    });
    expect(await client.ask('guarded', { token: 'good' }, 1)).toEqual({
      event: 'guarded',
      data: 'in',
      ack: 1,
    });
    expect(await client.ask('guarded', { token: 'bad' }, 2)).toEqual({
      ...refusal({ token: 'bad' }),
      ack: 2,
    });
    client.send({ event: 'guarded', data: 1 });
    expect(await client.next('exception')).toEqual(refusal(1));
    expect(calls).toEqual(Array(3).fill('true ws EnhancedGateway guarded guarded'));
  });

  it.each([
    ['mapped', { event: 'mapped', data: { wrapped: 'x' } }],
    ['renaming', { event: 'renamed', data: 'x' }],
    ['caught', { event: 'caught', data: 'instead of secret' }],
    ['cached', { event: 'cached', data: 'cached' }],
  ])('let an interceptor change the answer: %s', async (event, answer) => {
    const client = await (await startApp({ providers: [EnhancedGateway] })).connect();
    expect(await client.ask(event, 'x', 1)).toEqual({ ...answer, ack: 1 });
    client.send({ event, data: 'x' });
    expect(await client.next(answer.event)).toEqual(answer);
    expect(calls).toEqual([]);
  });

  it.each([
    ['translated', 'not so secret'],
    ['failing', 'too slow'],
    ['throwing', 'not today'],
  ])('let an interceptor fail the request: %s', async (event, message) => {
    const client = await (await startApp({ providers: [EnhancedGateway] })).connect();
    const failure = {
      event: 'exception',
      data: { status: 'error', message, cause: { pattern: event, data: 'x' } },
    };
    expect(await client.ask(event, 'x', 1)).toEqual({ ...failure, ack: 1 });
    client.send({ event, data: 'x' });
    expect(await client.next('exception')).toEqual(failure);
    await client.settled();
    expect(client.frames.filter((frame) => frame.ack === 1)).toHaveLength(1);
  });

  it('answer an id even if an interceptor emits no value', async () => {
    const client = await (await startApp({ providers: [EnhancedGateway] })).connect();
    expect(await client.ask('swallowed', 'x', 1)).toEqual({ event: 'swallowed', ack: 1 });
    client.send({ event: 'swallowed' });
    await client.settled();
    expect(client.frames.filter((frame) => frame.event === 'swallowed')).toHaveLength(1);
  });
});
