import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Scope, UseInterceptors, type CallHandler, type NestInterceptor } from '@nestjs/common';
import { Ack, ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { map, Observable, timeout } from 'rxjs';
import { EnvelopeSocket, messageContext, Signal } from '../../lib/index.js';
import { deferred } from '../support/wait.js';

const FOREVER = 1_000_000;

/** The signal of each handler that was called, by its event. */
export const signals = new Map<string, AbortSignal>();
/** What handlers wait for that ignore their signal. */
export let gate = deferred<unknown>();
/** The events whose handlers have ended. */
export const ended: string[] = [];

export function reset(): void {
  signals.clear();
  ended.length = 0;
  gate.resolve('late');
  gate = deferred();
}

function note(event: string, signal: AbortSignal): void {
  signals.set(event, signal);
}

class Mapped implements NestInterceptor {
  intercept(_: unknown, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value: unknown) => value));
  }
}

class Timed implements NestInterceptor {
  intercept(_: unknown, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(timeout(20));
  }
}

/** A service that no handler passes a signal to. */
async function query(event: string): Promise<unknown> {
  const { signal } = messageContext()!;
  note(event, signal);
  return pause(FOREVER, 'never', { signal });
}

@WebSocketGateway({ path: '/ws', messageContext: true })
export class SignalGateway {
  @SubscribeMessage('promise')
  async promise(@Signal() signal: AbortSignal): Promise<unknown> {
    note('promise', signal);
    return pause(FOREVER, 'never', { signal });
  }
  @SubscribeMessage('fetch')
  async fetch(@MessageBody() url: string, @Signal() signal: AbortSignal): Promise<unknown> {
    note('fetch', signal);
    return (await fetch(url, { signal })).text();
  }
  /** Does not look at its signal. */
  @SubscribeMessage('late')
  async late(@Signal() signal: AbortSignal): Promise<unknown> {
    note('late', signal);
    const value = await gate.promise;
    ended.push('late');
    return value;
  }
  @SubscribeMessage('late error')
  async lateError(@Signal() signal: AbortSignal): Promise<unknown> {
    note('late error', signal);
    await gate.promise;
    throw new Error('late');
  }
  /** Throws the error of a library that knows nothing of the signal's reason. */
  @SubscribeMessage('foreign')
  async foreign(@Signal() signal: AbortSignal): Promise<unknown> {
    note('foreign', signal);
    await gate.promise;
    throw new DOMException('the library was stopped', 'AbortError');
  }
  @SubscribeMessage('unasked')
  unasked(): Promise<unknown> {
    return gate.promise;
  }
  @UseInterceptors(Mapped)
  @SubscribeMessage('intercepted')
  async intercepted(@Signal() signal: AbortSignal): Promise<unknown> {
    note('intercepted', signal);
    return pause(FOREVER, 'never', { signal });
  }
  @UseInterceptors(Timed)
  @SubscribeMessage('timed')
  async timed(@Signal() signal: AbortSignal): Promise<unknown> {
    note('timed', signal);
    return gate.promise;
  }
  @SubscribeMessage('generator')
  async *generator(@Signal() signal: AbortSignal): AsyncGenerator<unknown> {
    note('generator', signal);
    yield 'first';
    try {
      yield await pause(FOREVER, 'never', { signal });
    } finally {
      ended.push('generator');
    }
  }
  @SubscribeMessage('observable')
  observable(@Signal() signal: AbortSignal): Observable<unknown> {
    note('observable', signal);
    return new Observable((subscriber) => {
      subscriber.next('first');
      signal.addEventListener('abort', () => subscriber.error(signal.reason));
      return () => ended.push('observable');
    });
  }
  @SubscribeMessage('ack')
  ack(@Ack() _ack: (value: unknown) => void, @Signal() signal: AbortSignal): void {
    note('ack', signal);
  }
  @SubscribeMessage('context')
  context(): Promise<unknown> {
    return query('context');
  }
  @SubscribeMessage('twice')
  first(@Signal() signal: AbortSignal): void {
    note('first', signal);
  }
  @SubscribeMessage('twice')
  second(@Signal() signal: AbortSignal): Promise<unknown> {
    note('second', signal);
    return pause(FOREVER, 'never', { signal });
  }
  @SubscribeMessage('throwing listener')
  throwing(@Signal() signal: AbortSignal): Promise<unknown> {
    note('throwing listener', signal);
    const removed = (): void => void ended.push('removed');
    signal.addEventListener('abort', removed);
    signal.removeEventListener('abort', removed);
    signal.addEventListener('abort', () => {
      throw new Error('a listener');
    });
    signal.addEventListener('abort', async () => {
      throw new Error('an async listener');
    });
    signal.onabort = () => void ended.push('onabort');
    const listener = { handleEvent: (): void => void ended.push('handleEvent') };
    signal.addEventListener('abort', listener, { once: true });
    signal.addEventListener('abort', listener, { once: true });
    return gate.promise;
  }
  @SubscribeMessage('quick')
  quick(@Signal() signal: AbortSignal): string {
    note('quick', signal);
    return 'done';
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('leave')
  leave(@ConnectedSocket() client: EnvelopeSocket, @Signal() signal: AbortSignal): Promise<unknown> {
    note('leave', signal);
    client.disconnect();
    return pause(FOREVER, 'never', { signal });
  }
}

@Injectable({ scope: Scope.REQUEST })
@WebSocketGateway({ path: '/scoped' })
export class ScopedGateway {
  @SubscribeMessage('promise')
  async promise(@Signal() signal: AbortSignal): Promise<unknown> {
    note('scoped', signal);
    return pause(FOREVER, 'never', { signal });
  }
}
