import { assertEmittable } from '../protocol/reserved-events.js';
import type { EventsMap, Untyped } from '../protocol/typed-events.js';
import { invalidArgument } from '../protocol/with-code.js';
import type { TimedEmitter } from './client-types.js';
import { callListener, type AnyFunction } from './listeners.js';
import type { SendQueue } from './send-queue.js';

/** Sends events and requests, with a callback or a promise, as Socket.IO's client does. */
export class Sender<Emit extends EventsMap> {
  readonly #queue: SendQueue;
  readonly #ackTimeout: number;

  constructor(queue: SendQueue, ackTimeout: number) {
    this.#queue = queue;
    this.#ackTimeout = ackTimeout;
  }

  /** @see ClientSocket.timeout */
  timed(timeout: number, signal?: AbortSignal): TimedEmitter<Emit> {
    // setTimeout would treat any other value as 0
    if (typeof timeout !== 'number' || timeout !== timeout)
      throw invalidArgument(`timeout is ${String(timeout)}: it takes a number of milliseconds`);
    return {
      emit: (event, ...args) => this.send(event, args, timeout, signal),
      emitWithAck: async (event, ...args) => {
        assertEmittable(event);
        return this.request(event, args, timeout, signal);
      },
      signal: (given) => {
        if (typeof given?.aborted !== 'boolean') throw invalidArgument('signal is not an AbortSignal');
        return this.timed(timeout, given);
      },
    };
  }

  /** @see ClientSocket.emit */
  send(event: string, args: readonly unknown[], timeout?: number, signal?: AbortSignal): boolean {
    assertEmittable(event);
    const callback = args.at(-1);
    if (typeof callback !== 'function') return this.#queue.emit(event, args);
    const withError = timeout !== undefined;
    const settled = (error: Error | null, data?: unknown): void => {
      if (withError) callListener(callback as AnyFunction, [error, data]);
      // as in Socket.IO, a callback without timeout() has no error argument and does not run on failure
      else if (error === null) callListener(callback as AnyFunction, [data]);
    };
    return this.#queue.request(event, args.slice(0, -1), timeout ?? this.#ackTimeout, settled, signal);
  }

  request(
    event: string,
    args: readonly unknown[],
    timeout = this.#ackTimeout,
    signal?: AbortSignal,
    meta?: object,
  ): Promise<Untyped> {
    return new Promise((resolve, reject) => {
      const settled = (error: Error | null, data?: unknown): void =>
        error === null ? resolve(data) : reject(error);
      this.#queue.request(event, args, timeout, settled, signal, meta);
    });
  }
}
