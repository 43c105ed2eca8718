import { assertEmittable } from '../protocol/reserved-events.js';
import type {
  AnswerOf,
  EventNames,
  EventParams,
  EventsMap,
  RequestParams,
} from '../protocol/typed-events.js';
import { DisconnectedError } from '../protocol/disconnected-error.js';
import { invalidArgument } from '../protocol/with-code.js';
import type { ClientSocket } from './client-socket.js';
import { callListener } from './listeners.js';
import { writeMessage } from './message.js';
import { OutboxWriter } from './outbox-writer.js';
import { newKey, warn, type StoredMessage } from './outbox.js';
import { checkOptions, type ReliableOptions } from './reliable-options.js';

export type { ReliableOptions } from './reliable-options.js';
export { storageOutbox, type Outbox, type StorageLike, type StoredMessage } from './outbox.js';

/**
 * Sends messages until they are answered. Made by {@link reliable}.
 *
 * @example
 * const { number } = await reliable(socket).emitWithAck('order', { item: 7 });
 */
export interface Reliable<Emit extends EventsMap> {
  /** How many messages wait or are under way. */
  readonly pending: number;
  /**
   * Sends an event. The promise need not be awaited: its rejection ends no process.
   *
   * @returns (resolves) when the server has handled it
   * @throws (rejects) as `emitWithAck`
   * @example await reliable(socket).emit('message', 'hello');
   */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: PayloadParams<Emit, Event>): Promise<void>;
  /**
   * Sends a request and resolves to its answer.
   *
   * @throws (rejects) `RequestError` with the server's exception, which is an answer; after the last retry, its reason:
   * `DisconnectedError`, `TimeoutError` or a `RequestError` with the code `rate_limited`, `going_away` or `unavailable`;
   * `DisconnectedError` when the client is closed: such a message stays in the outbox; as `emit` of the client, if the name is
   * reserved or JSON cannot carry the data
   * @example const { number } = await reliable(socket).emitWithAck('order', { item: 7 });
   */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>>;
  /**
   * Sends nothing more. Messages that wait stay in the outbox, and their promises reject with a `DisconnectedError`.
   *
   * @example
   * const send = reliable(socket);
   * send.stop();
   */
  stop(): void;
}

type PayloadParams<Emit extends EventsMap, Event extends EventNames<Emit>> = [
  RequestParams<Emit, Event>,
] extends [never]
  ? EventParams<Emit, Event>
  : RequestParams<Emit, Event>;

interface Job {
  readonly message: StoredMessage;
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** Refusals after which the message is sent again: the server has not handled it. */
const REFUSED: ReadonlySet<unknown> = new Set(['rate_limited', 'going_away', 'unavailable']);
const DISCONNECTED = 'ERR_ENVELOPE_DISCONNECTED';
const LOST: ReadonlySet<unknown> = new Set([DISCONNECTED, 'ERR_ENVELOPE_TIMEOUT']);
const MAX_PAUSE = 30_000;
const DEFAULTS = { retries: 5, parallel: 1, timeout: 10_000, retryDelay: 1_000 };
type Settings = typeof DEFAULTS & Pick<ReliableOptions, 'outbox' | 'onOutboxError' | 'onUndelivered'>;

class ReliableSender {
  readonly #waiting: Job[] = [];
  readonly #active = new Set<Job>();
  /** Messages that were rejected because the client was closed: for the next page. */
  readonly #kept: StoredMessage[] = [];
  readonly #settings: Settings;
  readonly #socket: ClientSocket;
  readonly #writer: OutboxWriter | undefined;
  #isLoaded = false;
  #isStopped = false;
  #hasWarned = false;
  readonly #wakers = new Set<() => void>();
  readonly #unwatch: () => void;

  constructor(socket: ClientSocket, options: ReliableOptions) {
    this.#socket = socket;
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    this.#settings = { ...DEFAULTS, ...(Object.fromEntries(given) as ReliableOptions) };
    const { outbox, onOutboxError } = this.#settings;
    if (outbox !== undefined) this.#writer = new OutboxWriter(outbox, () => this.#messages(), onOutboxError);
    this.#unwatch = socket.onState(() => this.#wake());
    void this.#load();
  }

  get pending(): number {
    return this.#waiting.length + this.#active.size;
  }

  async emit(event: string, ...args: unknown[]): Promise<void> {
    await this.#add(event, args).catch((error: unknown) => {
      // it was handled, and that is all that `emit` tells
      if (codeOf(error) !== 'already_answered') throw error;
    });
  }

  emitWithAck(event: string, ...args: unknown[]): Promise<unknown> {
    return this.#add(event, args);
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#unwatch();
    this.#wake();
    const waiting = this.#waiting.splice(0);
    for (const { message } of [...this.#active, ...waiting]) this.#kept.push(message);
    this.#writer?.close();
    for (const job of waiting) job.reject(closed('stopped'));
  }

  async #add(event: string, args: unknown[]): Promise<unknown> {
    assertEmittable(event);
    // throws what JSON cannot carry
    writeMessage({ event, data: args });
    if (this.#isStopped) throw closed('stopped');
    const answer = new Promise((resolve, reject) => {
      this.#waiting.push({ message: { key: newKey(), event, args }, resolve, reject });
    });
    this.#writer?.save();
    this.#next();
    return answer;
  }

  async #load(): Promise<void> {
    await this.#writer?.load((left) => this.#prepend(left));
    this.#isLoaded = true;
    this.#next();
  }

  /** Puts what another page has left before all messages that wait. */
  #prepend(left: readonly StoredMessage[]): void {
    if (this.#isStopped) this.#kept.unshift(...left);
    else this.#waiting.unshift(...left.map((message) => ({ message, resolve: ignore, reject: ignore })));
    this.#next();
  }

  /** Returns what the outbox keeps, in the order of sending. */
  #messages(): StoredMessage[] {
    const jobs = [...this.#active, ...this.#waiting];
    return [...new Set([...this.#kept, ...jobs.map(({ message }) => message)])];
  }

  #next(): void {
    while (this.#isLoaded && !this.#isStopped && this.#active.size < this.#settings.parallel) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      this.#active.add(job);
      void this.#run(job);
    }
  }

  async #run(job: Job): Promise<void> {
    try {
      // a message that is under way must survive a reload
      await this.#writer?.saved(job.message);
      job.resolve(await this.#deliver(job.message));
    } catch (error) {
      const isClosed = this.#isStopped || this.#socket.state === 'closed';
      const { outbox, onUndelivered = ignore } = this.#settings;
      job.reject(error as Error);
      if (outbox !== undefined && isClosed && (error as { code?: unknown }).code === DISCONNECTED)
        this.#kept.push(job.message);
      else callListener(onUndelivered, [job.message, error]);
    }
    this.#active.delete(job);
    this.#writer?.save();
    this.#next();
  }

  async #deliver({ key, event, args }: StoredMessage): Promise<unknown> {
    const { retries, timeout, retryDelay } = this.#settings;
    for (let attempt = 0; ; attempt++) {
      await this.#connected();
      const isOnce = this.#socket._features?.includes('once') === true;
      if (!isOnce) this.#warnOnce();
      try {
        return await this.#socket._sender.request(
          event,
          args,
          timeout,
          undefined,
          isOnce ? { key } : undefined,
        );
      } catch (error) {
        const mayRepeat =
          REFUSED.has(codeOf(error)) || (isOnce && LOST.has((error as { code?: unknown }).code));
        if (!mayRepeat || attempt >= retries) throw error;
        // after a lost connection, the client itself pauses
        if (this.#socket.connected)
          await this.#pause(Math.random() * Math.min(MAX_PAUSE, retryDelay * 2 ** attempt));
      }
    }
  }

  async #connected(): Promise<void> {
    while (!this.#socket.connected) {
      if (this.#isStopped) throw closed('stopped');
      if (this.#socket.state === 'closed') throw closed('the connection is closed');
      await this.#pause();
    }
    if (this.#isStopped) throw closed('stopped');
  }

  /** Waits for a time, or for the next change of the connection. */
  #pause(milliseconds?: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        resolve();
      };
      const timer = milliseconds === undefined ? undefined : setTimeout(wake, milliseconds);
      this.#wakers.add(wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#wakers]) wake();
  }

  #warnOnce(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    warn(
      'no handler of the server has @Once(): each message is sent once only, and is lost if its connection breaks',
    );
  }
}

function ignore(): void {}

function closed(message: string): DisconnectedError {
  return new DisconnectedError(message);
}

/** Returns the code of an exception of the server. */
function codeOf(error: unknown): unknown {
  const { data } = Object(error) as { data?: unknown };
  return (Object(data) as { code?: unknown }).code;
}

/**
 * Sends messages until the server has answered them: again after a lost connection, a timeout and the refusals `rate_limited`,
 * `going_away` and `unavailable`. Each message has a key, by which a handler with `@Once()` handles it once. An exception of the
 * application is an answer.
 *
 * One message is under way at a time, so that the server handles them in the order of the calls. Handlers without `@Once()` may
 * handle a message twice. If no handler of the path has `@Once()`, each message is sent once only, and a warning says so.
 *
 * @example
 * const send = reliable(socket, { outbox: storageOutbox('chat') });
 * await send.emit('message', text);
 * const { number } = await send.emitWithAck('order', { item: 7 });
 *
 * @throws TypeError without a client, or if an option is unknown or malformed
 */
export function reliable<Listen extends EventsMap, Emit extends EventsMap>(
  socket: ClientSocket<Listen, Emit>,
  options: ReliableOptions = {},
): Reliable<Emit> {
  if (typeof (Object(socket) as { onState?: unknown }).onState !== 'function')
    throw invalidArgument('reliable: socket is missing: pass what connect(url) returned');
  checkOptions(options);
  const sender = new ReliableSender(socket as unknown as ClientSocket, options);
  const emit = (event: string, ...args: unknown[]): Promise<void> => {
    const sent = sender.emit(event, ...args);
    sent.catch(() => undefined);
    return sent;
  };
  return {
    get pending() {
      return sender.pending;
    },
    emit,
    emitWithAck: (event: string, ...args: unknown[]) => sender.emitWithAck(event, ...args),
    stop: () => sender.stop(),
  } as Reliable<Emit>;
}
