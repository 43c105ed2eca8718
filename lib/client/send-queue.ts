import type { AnswerCallback } from '../protocol/pending-requests.js';
import { RequestError } from '../protocol/request-error.js';
import type { Untyped } from '../protocol/typed-events.js';
import type { Connection } from './connection.js';
import { DisconnectedError } from './errors.js';
import { writeFrame, type Frame } from './message.js';
import { MAX_DELAY } from '../protocol/max-delay.js';
import { Stream } from './stream.js';

/** Values of a stream that may wait for whoever reads them. */
const MAX_VALUES = 10_000;

interface Queued {
  readonly text: string;
  readonly id: unknown;
}

/** Whoever waits for an answer, or for many. */
export interface Asker {
  take(data: unknown): void;
  /** There is no more. */
  end(): void;
  fail(error: Error): void;
}

/** What this client sends: what waits for a line, and what waits for an answer. Nothing is sent twice. */
export class Outgoing {
  #queue: Queued[] = [];
  /** By the id of what they have asked. */
  readonly #askers = new Map<unknown, Asker>();
  #ids = 0;
  readonly #connection: Connection;
  readonly #maxQueued: number;

  constructor(connection: Connection, maxQueued: number) {
    this.#connection = connection;
    this.#maxQueued = maxQueued;
  }

  /** @returns whether it was sent, or waits for its turn */
  emit(event: string, args: readonly unknown[]): boolean {
    return this.#send(writeFrame({ event, data: payloadOf(args) }));
  }

  /**
   * @param timeout milliseconds until `callback` hears of an error, whatever the reason
   * @returns as `emit`
   */
  request(event: string, args: readonly unknown[], timeout: number, callback: AnswerCallback): boolean {
    const id = ++this.#ids;
    const text = writeFrame({ event, data: payloadOf(args), id });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const isSent = this.#ask(text, id, {
      take: (data) => {
        // the first answer counts, whatever it says of more
        this.#askers.delete(id);
        clearTimeout(timer);
        callback(null, data);
      },
      end: () => undefined,
      fail: (error) => {
        clearTimeout(timer);
        // whoever hears of it may connect, ask again or leave: not in the middle of a change of states
        queueMicrotask(() => callback(error));
      },
    });
    const late = (): void => {
      // what nobody waits for any more is not worth sending
      this.#forget(id);
      this.#fail(id, new Error('operation has timed out'));
    };
    if (isSent) timer = setTimeout(late, Math.min(timeout, MAX_DELAY));
    return isSent;
  }

  stream(event: string, args: readonly unknown[], signal: AbortSignal | undefined): Stream<Untyped> {
    const id = ++this.#ids;
    const text = writeFrame({ event, data: payloadOf(args), id, stream: true });
    const stream = new Stream<Untyped>(MAX_VALUES, () => this.#cancel(id), signal);
    if (signal?.aborted === true) stream.end();
    else this.#ask(text, id, stream);
    return stream;
  }

  /** An answer, or one value of a stream. */
  settle({ event, ack, data, more }: Frame): void {
    if (event === 'exception') return this.#fail(ack, new RequestError(data));
    const asker = this.#askers.get(ack);
    asker?.take(data);
    if (more === true) return;
    this.#askers.delete(ack);
    asker?.end();
  }

  /** There is a line: what waited goes out, in the order of the calls. */
  flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const queued of queue) this.#send(queued.text, queued.id);
  }

  /** The line is gone: what was sent will not be answered. What came too late for it waits for the next one. */
  fail(why: string): void {
    const error = new DisconnectedError(why);
    const queued = new Set(this.#queue.map(({ id }) => id));
    for (const id of this.#askers.keys()) if (!queued.has(id)) this.#fail(id, error);
  }

  /** There will be no line. */
  close(why: string): void {
    this.#queue = [];
    this.fail(why);
  }

  #ask(text: string, id: number, asker: Asker): boolean {
    const isSent = this.#send(text, id);
    if (isSent) this.#askers.set(id, asker);
    else asker.fail(new DisconnectedError(this.#refusal));
    return isSent;
  }

  get #refusal(): string {
    return this.#connection.state === 'closed'
      ? 'the connection is closed'
      : `${this.#maxQueued} messages wait`;
  }

  #send(text: string, id?: unknown): boolean {
    if (this.#connection.send(text)) return true;
    if (this.#connection.state === 'closed' || this.#queue.length >= this.#maxQueued) return false;
    this.#queue.push({ text, id });
    return true;
  }

  #cancel(id: number): void {
    this.#askers.delete(id);
    if (!this.#forget(id)) this.#connection.send(writeFrame({ event: '$cancel', data: id }));
  }

  #forget(id: number): boolean {
    const { length } = this.#queue;
    this.#queue = this.#queue.filter((queued) => queued.id !== id);
    return this.#queue.length < length;
  }

  #fail(id: unknown, error: Error): void {
    const asker = this.#askers.get(id);
    this.#askers.delete(id);
    asker?.fail(error);
  }
}

/** One argument is the payload, several are a list of it. */
function payloadOf(args: readonly unknown[]): unknown {
  return args.length > 1 ? args : args[0];
}
