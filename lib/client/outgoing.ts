import { OutgoingRequests, type AnswerCallback } from '../protocol/outgoing-requests.js';
import { RequestError } from '../protocol/request-error.js';
import type { Untyped } from '../protocol/typed-events.js';
import type { Connection } from './connection.js';
import { DisconnectedError } from './errors.js';
import { writeFrame, type Frame } from './frame.js';
import { Stream } from './stream.js';

/** Values of a stream that may wait for whoever reads them. */
const MAX_VALUES = 10_000;

interface Queued {
  readonly text: string;
  readonly id: number | undefined;
}

/** What this client sends: what waits for a line, and what waits for an answer. Nothing is sent twice. */
export class Outgoing {
  #queue: Queued[] = [];
  readonly #requests = new OutgoingRequests();
  readonly #streams = new Map<number, Stream<Untyped>>();
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
    const answered: AnswerCallback = (error, data) => {
      if (error === null) return callback(null, data);
      // what nobody waits for any more is not worth sending
      this.#forget(id);
      // whoever hears of it may connect, ask again or leave: not in the middle of a change of states
      queueMicrotask(() => callback(error));
    };
    const isSent = this.#send(writeFrame({ event, data: payloadOf(args), id }), id);
    if (isSent) this.#requests.add(id, answered, timeout);
    else answered(new DisconnectedError(this.#refusal));
    return isSent;
  }

  stream(event: string, args: readonly unknown[], signal: AbortSignal | undefined): Stream<Untyped> {
    const id = ++this.#ids;
    const text = writeFrame({ event, data: payloadOf(args), id, stream: true });
    const stream = new Stream<Untyped>(MAX_VALUES, () => this.#cancel(id), signal);
    this.#streams.set(id, stream);
    if (signal?.aborted === true) this.#endStream(id, {});
    else if (!this.#send(text, id)) this.#endStream(id, { error: new DisconnectedError(this.#refusal) });
    return stream;
  }

  /** An answer, or one value of a stream. */
  settle({ event, ack, data, more }: Frame): void {
    const isFailed = event === 'exception';
    const stream = this.#streams.get(ack as number);
    if (stream === undefined) return void this.#requests.settle(ack!, data, isFailed);
    if (isFailed) return this.#endStream(ack as number, { error: new RequestError(data) });
    if (data !== undefined) stream._push(data);
    if (more !== true) this.#endStream(ack as number, {});
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
    const queued = new Set<unknown>(this.#queue.map(({ id }) => id));
    this.#requests.failAll(error, queued);
    for (const id of this.#streams.keys()) if (!queued.has(id)) this.#endStream(id, { error });
  }

  /** There will be no line. */
  close(why: string): void {
    this.#queue = [];
    this.fail(why);
  }

  get #refusal(): string {
    return this.#connection.state === 'closed'
      ? 'the connection is closed'
      : `${this.#maxQueued} messages wait`;
  }

  #send(text: string, id?: number): boolean {
    if (this.#connection.send(text)) return true;
    if (this.#connection.state === 'closed' || this.#queue.length >= this.#maxQueued) return false;
    this.#queue.push({ text, id });
    return true;
  }

  #cancel(id: number): void {
    this.#streams.delete(id);
    if (!this.#forget(id)) this.#connection.send(writeFrame({ event: '$cancel', data: id }));
  }

  #forget(id: number): boolean {
    const { length } = this.#queue;
    this.#queue = this.#queue.filter((queued) => queued.id !== id);
    return this.#queue.length < length;
  }

  #endStream(id: number, end: { error?: unknown }): void {
    this.#streams.get(id)?._end(end);
    this.#streams.delete(id);
  }
}

/** One argument is the payload, several are a list of it. */
export function payloadOf(args: readonly unknown[]): unknown {
  return args.length > 1 ? args : args[0];
}
