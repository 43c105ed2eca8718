import { assertEmittable } from '../protocol/reserved-events.js';
import { RequestError } from '../protocol/request-error.js';
import type { Untyped } from '../protocol/typed-events.js';
import { withCode } from '../protocol/with-code.js';
import { reconnectDelay } from './backoff.js';
import type { Connection } from './connection.js';
import { writeMessage } from './message.js';
import type { Settings } from './options.js';
import type { SendQueue } from './send-queue.js';
import { Subscription, type Topic } from './subscription.js';

/**
 * Requests that the client has under way at first on a connection, and at most. A server closes a connection after a hundred
 * refusals, and its `limits.messageBurst` may be small.
 */
const FIRST_REQUESTS = 50;
const MAX_REQUESTS = 100;
/** Codes of exceptions with which the server refuses any message at this moment. */
const TEMPORARY: ReadonlySet<unknown> = new Set(['rate_limited', 'going_away']);
const NO_DETAILS = { code: 0, reason: '' };

/** A topic as the client knows it. */
interface Entry extends Topic {
  readonly key: string;
  readonly event: string;
  readonly args: readonly unknown[];
  leave: string | undefined;
  /** The last position that the client has seen. */
  after: (() => string | undefined) | undefined;
  /** Whether the session on the server is subscribed: `maybe` while the outcome of a request is unknown. */
  joined: 'no' | 'maybe' | 'yes';
  /** The number of the request that is under way, or 0. The answers of earlier ones are ignored. */
  request: number;
}

interface SubscriptionOptions {
  readonly leave?: string | undefined;
  readonly after?: (() => string | undefined) | undefined;
}

/** The subscriptions of one client. It requests them again on each connection that did not recover the session. */
export class Subscriptions {
  /** In the order in which they were made. An entry without holders stays until the server knows that it ended. */
  readonly #entries = new Map<string, Entry>();
  /** Entries that wait for their request, in order. */
  readonly #waiting = new Set<Entry>();
  #live = 0;
  #requests = 0;
  #underWay = 0;
  /**
   * Requests that may be under way now. It is one after a failure that time can cure, and then grows by one each time as many
   * were answered: a server that limits the rate of messages closes the connection of a client which it refuses too often.
   */
  #allowed = FIRST_REQUESTS;
  #failures = 0;
  /** Runs during a pause, which follows a failure that time can cure. */
  #pause: ReturnType<typeof setTimeout> | undefined;
  readonly #connection: Connection;
  readonly #queue: SendQueue;
  readonly #settings: Settings;

  constructor(connection: Connection, queue: SendQueue, settings: Settings) {
    this.#connection = connection;
    this.#queue = queue;
    this.#settings = settings;
  }

  /** @throws as `ClientSocket.subscribe` */
  add(event: string, data: unknown, { leave, after }: SubscriptionOptions = {}): Subscription<Untyped> {
    assertEmittable(event);
    if (leave !== undefined) assertEmittable(leave);
    const key = writeMessage({ event, data });
    let entry = this.#entries.get(key);
    if (entry === undefined || entry.holders.size === 0) this.#count();
    if (entry === undefined) {
      // a copy: the application may change its object later
      const copy = (JSON.parse(key) as { data?: unknown }).data;
      const args = copy === undefined ? [] : [copy];
      entry = {
        key,
        event,
        args,
        leave,
        after,
        joined: 'no',
        request: 0,
        state: 'pending',
        answer: undefined,
        error: undefined,
        holders: new Set(),
      };
      this.#entries.set(key, entry);
      this.#waiting.add(entry);
    }
    const found = entry;
    found.leave ??= leave;
    found.after ??= after;
    const subscription = new Subscription<Untyped>(
      found,
      () => this.#released(found),
      () => this.#refresh(found),
    );
    found.holders.add(subscription);
    this.#next();
    return subscription;
  }

  /** The connection is open. Requests what the server does not know, and ends what was stopped meanwhile. */
  opened(isRecovered: boolean): void {
    this.#resume();
    this.#waiting.clear();
    for (const entry of [...this.#entries.values()]) {
      if (!isRecovered) entry.joined = 'no';
      if (entry.holders.size === 0) this.#end(entry);
      else if (entry.joined === 'yes') this.#activate(entry, false);
      else this.#request(entry);
    }
    this.#next();
  }

  /** The connection ended. */
  lost(): void {
    this.#resume();
    this.#waiting.clear();
    this.#underWay = 0;
    for (const entry of this.#entries.values()) {
      entry.request = 0;
      // the answer follows the history: a session that is resumed without it would not get the rest
      if (entry.after !== undefined && entry.joined === 'maybe' && entry.holders.size > 0)
        this.#connection.forgetSession();
      if (entry.state === 'active') entry.state = 'pending';
    }
  }

  /** Requests again what the server refused. */
  retryRefused(): void {
    for (const entry of this.#entries.values()) if (entry.state === 'refused') this.#request(entry);
    this.#next();
  }

  #refresh(entry: Entry): void {
    // the answer of a request that is under way may be older
    if (entry.request !== 0) this.#underWay--;
    entry.request = 0;
    if (entry.joined === 'yes') entry.joined = 'maybe';
    this.#request(entry);
    this.#next();
  }

  #count(): void {
    const { maxSubscriptions } = this.#settings;
    if (this.#live >= maxSubscriptions)
      throw withCode(
        'ERR_ENVELOPE_SUBSCRIPTION_LIMIT',
        new Error(`maxSubscriptions is ${maxSubscriptions}: stop a subscription before the next one`),
      );
    this.#live++;
  }

  #released(entry: Entry): void {
    if (entry.holders.size > 0) return;
    this.#live--;
    // a component that is mounted again at once, as React's StrictMode does, keeps the subscription
    setTimeout(() => entry.holders.size === 0 && this.#end(entry), 0);
  }

  /** Forgets an entry without holders, once the server knows that it ended. */
  #end(entry: Entry): void {
    this.#waiting.delete(entry);
    // it ends after the answer, or on the next connection
    if (entry.request !== 0 || this.#entries.get(entry.key) !== entry) return;
    if (entry.joined === 'no' || entry.leave === undefined) return void this.#entries.delete(entry.key);
    if (!this.#connection.isWritable) return;
    // until it is answered: a session that is resumed without it would stay subscribed
    this.#send(entry, entry.leave, entry.args, (error) => {
      if (isRefusedForNow(error)) return this.#retryLater(entry);
      entry.joined = 'no';
      if (entry.holders.size > 0) this.#request(entry);
      else this.#entries.delete(entry.key);
    });
  }

  #send(
    entry: Entry,
    event: string,
    args: readonly unknown[],
    settled: (error: Error | null, data: unknown) => void,
  ): void {
    const request = ++this.#requests;
    entry.request = request;
    entry.state = 'pending';
    entry.joined = 'maybe';
    this.#underWay++;
    this.#queue.request(event, args, this.#settings.ackTimeout, (error, data) => {
      // the connection was lost, or a newer request is under way
      if (entry.request !== request) return;
      entry.request = 0;
      this.#underWay--;
      settled(error, data);
      this.#next();
    });
  }

  #request(entry: Entry): void {
    entry.state = 'pending';
    entry.error = undefined;
    this.#waiting.add(entry);
  }

  /** Sends the next requests. */
  #next(): void {
    for (const entry of this.#waiting) {
      // without a connection it would wait in the queue, and once more here
      if (this.#underWay + 1 > this.#allowed || this.#pause !== undefined || !this.#connection.isWritable)
        return;
      this.#waiting.delete(entry);
      if (entry.holders.size === 0) {
        this.#end(entry);
        continue;
      }
      const after = entry.after?.();
      const args = after === undefined ? entry.args : [{ ...Object(entry.args[0]), after }];
      this.#send(entry, entry.event, args, (error, data) => this.#settle(entry, error, data as Untyped));
    }
  }

  #settle(entry: Entry, error: Error | null, data: Untyped): void {
    if (error === null) {
      entry.joined = 'yes';
      entry.answer = [data];
      this.#allowed = Math.min(MAX_REQUESTS, this.#allowed + 1 / this.#allowed);
      // others may still be refused
      if (this.#waiting.size === 0) this.#failures = 0;
      this.#activate(entry, true);
    } else if (error instanceof RequestError) {
      entry.joined = 'no';
      if (isRefusedForNow(error)) this.#retryLater(entry);
      else this.#refuse(entry, error);
    } else this.#retryLater(entry);
    if (entry.holders.size === 0) this.#end(entry);
  }

  #activate(entry: Entry, isNew: boolean): void {
    entry.state = 'active';
    for (const holder of [...entry.holders]) holder.activated(isNew);
  }

  #refuse(entry: Entry, error: RequestError): void {
    entry.state = 'refused';
    entry.answer = undefined;
    entry.error = error;
    for (const holder of [...entry.holders]) holder.refused(error);
  }

  #retryLater(entry: Entry): void {
    this.#waiting.add(entry);
    this.#allowed = 1;
    this.#pause ??= setTimeout(
      () => {
        this.#pause = undefined;
        this.#next();
      },
      reconnectDelay(this.#failures++, NO_DETAILS, this.#settings),
    );
  }

  /** Ends the pause: it concerned an earlier connection. */
  #resume(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#allowed = FIRST_REQUESTS;
    this.#failures = 0;
  }
}

function isRefusedForNow(error: Error | null): boolean {
  return error instanceof RequestError && TEMPORARY.has((Object(error.data) as { code?: unknown }).code);
}
