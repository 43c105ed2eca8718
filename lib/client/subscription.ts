/// <reference lib="esnext.disposable" preserve="true" />
import { DisconnectedError } from '../protocol/disconnected-error.js';
import type { RequestError } from '../protocol/request-error.js';
import type { Untyped } from '../protocol/typed-events.js';
import { assertListener, callListener } from './listeners.js';

/**
 * State of a subscription:
 *
 * - `pending`: it waits for the connection, or for the answer of the server
 * - `active`: the server answered on this connection, or restored the session in which it had answered
 * - `refused`: the server answered with an exception; the client asks again on its next connection and after `reauthenticate()`
 * - `stopped`: `stop()` was called
 */
export type SubscriptionState = 'pending' | 'active' | 'refused' | 'stopped';

/** What all holders of one event and its data have in common. */
export interface Topic {
  state: Exclude<SubscriptionState, 'stopped'>;
  /** The last answer, in a list because an answer may be `undefined`. */
  answer: readonly [Untyped] | undefined;
  error: RequestError | undefined;
  readonly holders: Set<Subscription<Untyped>>;
}

/**
 * A subscription, made by `socket.subscribe`.
 *
 * @typeParam Answer the answer of the server's handler
 * @example
 * const order = socket.subscribe('order.watch', { id: 7 }, { leave: 'order.unwatch' });
 * order.onAnswer((snapshot) => render(snapshot));
 */
export class Subscription<Answer = Untyped> {
  #isStopped = false;
  readonly #answerListeners: ((answer: Answer) => void)[] = [];
  readonly #errorListeners: ((error: RequestError) => void)[] = [];
  /** Resolve or reject the promises of `ready`. */
  #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  readonly #topic: Topic;
  readonly #released: () => void;
  readonly #refresh: () => void;

  /** @internal */
  constructor(topic: Topic, released: () => void, refresh: () => void) {
    this.#topic = topic;
    this.#released = released;
    this.#refresh = refresh;
  }

  /** The state; see `SubscriptionState`. */
  get state(): SubscriptionState {
    return this.#isStopped ? 'stopped' : this.#topic.state;
  }

  /**
   * Resolves to the answer once the subscription is active.
   *
   * @throws (rejects) `RequestError` if the server refuses the subscription; `DisconnectedError` if it is stopped
   * @example const order = await socket.subscribe('order.watch', { id: 7 }).ready;
   */
  get ready(): Promise<Answer> {
    const { answer, error } = this.#topic;
    const { state } = this;
    if (state === 'stopped') return Promise.reject(stopped());
    if (state === 'active') return Promise.resolve(answer![0] as Answer);
    if (state === 'refused') return Promise.reject(error!);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /**
   * Adds a listener of answers. It runs for the first answer, and for that of each later connection that did not recover the
   * session. If there is an answer already, it runs immediately.
   *
   * @throws TypeError if the listener is not a function
   * @example socket.subscribe('order.watch', { id: 7 }).onAnswer((order) => show(order));
   */
  onAnswer(listener: (answer: Answer) => void): this {
    assertListener('answer', listener);
    const { answer } = this.#topic;
    this.#answerListeners.push(listener);
    if (!this.#isStopped && answer !== undefined) callListener(listener, answer);
    return this;
  }

  /**
   * Adds a listener of refusals. If the subscription is refused already, it runs immediately.
   *
   * @throws TypeError if the listener is not a function
   * @example socket.subscribe('order.watch', { id: 7 }).onError((error) => show(error.message));
   */
  onError(listener: (error: RequestError) => void): this {
    assertListener('error', listener);
    const { error } = this.#topic;
    this.#errorListeners.push(listener);
    if (!this.#isStopped && error !== undefined) callListener(listener, [error]);
    return this;
  }

  /**
   * Stops it: no listener runs any more. If no other subscription has the same event and data, the client sends the event `leave`,
   * a moment later, so that one who subscribes again at once changes nothing.
   * @example
   * const order = socket.subscribe('order.watch', { id: 7 }, { leave: 'order.unwatch' });
   * order.stop();
   */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#topic.holders.delete(this);
    for (const { reject } of this.#waiting.splice(0)) reject(stopped());
    this.#released();
  }

  /**
   * Requests a new answer, on this connection or on the next one. All subscriptions of the same event and data receive it, and
   * are `pending` until then. Does nothing after `stop()`.
   * @example
   * const order = socket.subscribe('order.watch', { id: 7 });
   * order.refresh();
   */
  refresh(): void {
    if (!this.#isStopped) this.#refresh();
  }

  /** The same as `stop()`, for `using`. */
  [Symbol.dispose](): void {
    this.stop();
  }

  /** @internal The topic became active. */
  activated(isNew: boolean): void {
    const answer = this.#topic.answer![0] as Answer;
    for (const { resolve } of this.#waiting.splice(0)) resolve(answer);
    if (isNew) this.#call(this.#answerListeners, answer);
  }

  /** @internal */
  refused(error: RequestError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#call(this.#errorListeners, error);
  }

  #call<Value>(listeners: readonly ((value: Value) => void)[], value: Value): void {
    // a listener may stop the subscription
    for (const listener of [...listeners]) if (!this.#isStopped) callListener(listener, [value]);
  }
}

function stopped(): Error {
  return new DisconnectedError('the subscription is stopped');
}
