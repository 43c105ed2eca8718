import type { ClientSocket } from '../client/client-socket.js';
import { callListener, type AnyFunction } from '../client/listeners.js';
import type { Untyped } from '../protocol/typed-events.js';
import { Store } from './store.js';
import type { SubscriptionResult } from './types.js';

type Reducers = Readonly<Record<string, ((data: Untyped, ...args: Untyped[]) => Untyped) | undefined>>;

/** What a store subscribes to. */
export interface Topic {
  readonly event: string;
  readonly data: unknown;
  /** The text of event and data. */
  readonly key: string;
  readonly leave: string | undefined;
  /** The names of the events that change the data. */
  readonly changes: readonly string[];
}

/** How many stores hold each topic of a client, and whether all of them came in this turn of the event loop. */
const held = new WeakMap<ClientSocket, Map<string, { holders: number; isNew: boolean }>>();

/** Counts a holder. Returns a function that ends it, and whether the answer may be older than the holder. */
function hold(socket: ClientSocket, key: string): { release: () => void; isLate: boolean } {
  const topics = held.get(socket) ?? new Map<string, { holders: number; isNew: boolean }>();
  held.set(socket, topics);
  const topic = topics.get(key) ?? { holders: 0, isNew: true };
  topics.set(key, topic);
  topic.holders++;
  if (topic.isNew) queueMicrotask(() => (topic.isNew = false));
  const release = (): void => {
    if (--topic.holders === 0 && topics.get(key) === topic) topics.delete(key);
  };
  return { release, isLate: !topic.isNew };
}

/** Returns the store of one subscription, whose answer the reducers keep up to date. */
export function subscriptionStore(
  socket: ClientSocket,
  topic: Topic,
  reducers: { readonly current: Reducers | undefined },
  isEnabled: boolean,
): Store<SubscriptionResult<Untyped>> {
  const { event, data, key, leave, changes } = topic;
  const start = (store: Store<SubscriptionResult<Untyped>>): (() => void) => {
    if (!isEnabled) return () => undefined;
    const subscription = socket.subscribe(event, data, { leave });
    const { release, isLate } = hold(socket, key);
    /** Events that arrived since the request, so that its answer may not contain them. */
    let events: [name: string, args: unknown[]][] = [];
    const reduced = (before: unknown, name: string, args: readonly unknown[]): unknown => {
      const reducer = reducers.current?.[name];
      if (reducer === undefined) return before;
      let after = before;
      callListener((() => (after = reducer(before, ...args) as unknown)) as AnyFunction, []);
      return after;
    };
    /** Whether the last answer is from before this component, and so without the events since then. */
    let isKnown = isLate;
    /** Whether the data is up to date, also while the answer for a later component is under way. */
    let isCurrent = false;
    const publish = (change: Partial<SubscriptionResult<Untyped>>): void => {
      const before = store.get();
      const state = isKnown && subscription.state === 'active' ? 'pending' : subscription.state;
      isCurrent = state === 'active' || (isCurrent && state === 'pending' && socket.connected);
      const after = { ...before, ...change, state: isCurrent ? 'active' : state };
      if (after.state !== before.state || after.data !== before.data || after.error !== before.error)
        store.set(after);
    };
    const ends: (() => void)[] = changes.map((name) => {
      const listener = (...args: unknown[]): void => {
        if (subscription.state === 'pending') events.push([name, args]);
        const { data: before } = store.get();
        if (before !== undefined) publish({ data: reduced(before, name, args) });
      };
      socket.on(name, listener);
      return () => void socket.off(name, listener);
    });
    let isStarting = true;
    subscription.onAnswer((answer: unknown) => {
      if (isStarting) return void (isKnown = true);
      const missed = events;
      events = [];
      publish({
        data: missed.reduce((before, [name, args]) => reduced(before, name, args), answer),
        error: undefined,
      });
    });
    isStarting = false;
    // StrictMode stops and starts in one turn: one request is enough
    queueMicrotask(() => {
      if (isKnown) subscription.refresh();
      isKnown = false;
    });
    subscription.onError((error) => {
      events = [];
      publish({ data: undefined, error });
    });
    ends.push(socket.onState(() => publish({})));
    publish({});
    return () => {
      for (const end of ends) end();
      subscription.stop();
      release();
    };
  };
  return new Store<SubscriptionResult<Untyped>>(
    { data: undefined, error: undefined, state: isEnabled ? 'pending' : 'stopped' },
    start,
  );
}
