import type { AnswerCallback } from '../protocol/pending-requests.js';
import { RequestError } from '../protocol/request-error.js';
import type { Untyped } from '../protocol/typed-events.js';
import type { Connection } from './connection.js';
import type { Encoded, Message } from './message.js';
import { MAX_DELAY } from '../protocol/max-delay.js';
import { DisconnectedError } from '../protocol/disconnected-error.js';
import { TimeoutError } from '../protocol/timeout-error.js';
import { Stream } from '../protocol/stream.js';

/** Number of values of one stream that may wait for the reader. */
const MAX_VALUES = 10_000;

interface Queued {
  readonly message: Encoded;
  readonly id: unknown;
}

/** Receives the answer of a request, or the many answers of a stream. */
interface AnswerReceiver {
  take(data: unknown): void;
  /** The answer that was taken last is the final one. */
  end(): void;
  fail(error: Error): void;
}

/** Sends messages, queues them while the client is not connected, and matches answers to requests. It sends no message twice. */
export class SendQueue {
  #queue: Queued[] = [];
  /** Receivers of open requests and streams, by request id. */
  readonly #receivers = new Map<unknown, AnswerReceiver>();
  #ids = 0;
  readonly #connection: Connection;
  readonly #maxQueued: number;

  constructor(connection: Connection, maxQueued: number) {
    this.#connection = connection;
    this.#maxQueued = maxQueued;
  }

  /** @returns whether the message was sent or queued */
  emit(event: string, args: readonly unknown[]): boolean {
    return this.#send(this.#connection.write({ event, data: payloadOf(args) }));
  }

  /**
   * Sends a request. `callback` runs once: with the answer, or with an error, at the latest after the timeout. After the
   * timeout, or when `signal` aborts, the client sends `$cancel`.
   *
   * @param timeout milliseconds
   * @param meta travels beside the data
   * @returns whether the request was sent or queued
   */
  request(
    event: string,
    args: readonly unknown[],
    timeout: number,
    callback: AnswerCallback,
    signal?: AbortSignal,
    meta?: object,
  ): boolean {
    const id = ++this.#ids;
    const message = this.#connection.write({ event, data: payloadOf(args), id, meta });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    const fail = (error: Error): void => {
      settle();
      // the callback may connect, send or disconnect, so it must not run in the middle of a state change
      queueMicrotask(() => callback(error));
    };
    const giveUp = (error: Error): void => {
      this.#cancel(id, this.#connection.canCancel);
      fail(error);
    };
    const abort = (): void => giveUp(reasonOf(signal!));
    if (signal?.aborted === true) {
      fail(reasonOf(signal));
      return false;
    }
    const isSent = this.#sendRequest(message, id, {
      take: (data) => {
        // the first answer counts, even if it announces more
        this.#receivers.delete(id);
        settle();
        callback(null, data);
      },
      end: () => undefined,
      fail,
    });
    if (isSent) {
      timer = setTimeout(() => giveUp(new TimeoutError()), Math.min(timeout, MAX_DELAY));
      signal?.addEventListener('abort', abort);
    }
    return isSent;
  }

  /** Sends a request for a stream. Aborting `signal` cancels it. */
  stream(event: string, args: readonly unknown[], signal: AbortSignal | undefined): Stream<Untyped> {
    const id = ++this.#ids;
    const message = this.#connection.write({ event, data: payloadOf(args), id, stream: true });
    const stream = new Stream<Untyped>(MAX_VALUES, () => this.#cancel(id), signal);
    if (signal?.aborted === true) stream.end();
    else this.#sendRequest(message, id, stream);
    return stream;
  }

  /** Passes an answer, or one value of a stream, to its receiver. */
  settle({ event, ack, data, more }: Message): void {
    if (event === 'exception') return this.#fail(ack, new RequestError(data));
    const receiver = this.#receivers.get(ack);
    receiver?.take(data);
    if (more === true) return;
    this.#receivers.delete(ack);
    receiver?.end();
  }

  /** Sends the queued messages, in the order of the calls. */
  flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const queued of queue) this.#send(queued.message, queued.id);
  }

  /** Fails the requests that were sent on a lost connection. Queued ones wait for the next connection. */
  fail(message: string): void {
    const error = new DisconnectedError(message);
    const queued = new Set(this.#queue.map(({ id }) => id));
    for (const id of this.#receivers.keys()) if (!queued.has(id)) this.#fail(id, error);
  }

  /** Drops all queued messages and fails all requests: the client does not reconnect. */
  close(message: string): void {
    this.#queue = [];
    this.fail(message);
  }

  #sendRequest(message: Encoded, id: number, receiver: AnswerReceiver): boolean {
    const isSent = this.#send(message, id);
    if (isSent) this.#receivers.set(id, receiver);
    else receiver.fail(new DisconnectedError(this.#refusal));
    return isSent;
  }

  get #refusal(): string {
    return this.#connection.state === 'closed'
      ? 'the connection is closed'
      : `maxQueued is ${this.#maxQueued}: the queue is full`;
  }

  #send(message: Encoded, id?: unknown): boolean {
    if (this.#connection.send(message)) return true;
    if (this.#connection.state === 'closed' || this.#queue.length >= this.#maxQueued) return false;
    this.#queue.push({ message, id });
    return true;
  }

  #cancel(id: number, isSupported = true): void {
    // neither send nor work on a request whose answer is no longer awaited
    this.#receivers.delete(id);
    if (!this.#unqueue(id) && isSupported)
      this.#connection.send(this.#connection.write({ event: '$cancel', data: id }));
  }

  /** @returns whether the message was queued */
  #unqueue(id: number): boolean {
    const { length } = this.#queue;
    this.#queue = this.#queue.filter((queued) => queued.id !== id);
    return this.#queue.length < length;
  }

  #fail(id: unknown, error: Error): void {
    const receiver = this.#receivers.get(id);
    this.#receivers.delete(id);
    receiver?.fail(error);
  }
}

function reasonOf(signal: AbortSignal): Error {
  // `null` would look like an answer
  return (signal.reason ?? new DOMException('aborted', 'AbortError')) as Error;
}

/** Returns the payload: the only argument, or a list of several arguments. */
function payloadOf(args: readonly unknown[]): unknown {
  return args.length > 1 ? args : args[0];
}
