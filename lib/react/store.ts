import { useInsertionEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import { writeMessage } from '../client/message.js';
import { assertEmittable } from '../protocol/reserved-events.js';

/** A value outside of React that components read. It works only while one of them listens. */
export class Store<Value> {
  #value: Value;
  #stop: (() => void) | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #initial: Value;
  readonly #start: (store: Store<Value>) => () => void;

  /**
   * @param initial the value before the first `set`, and on a server
   * @param start begins the work when the first listener comes; returns a function that ends it, and after which nothing calls `set`
   */
  constructor(initial: Value, start: (store: Store<Value>) => () => void) {
    this.#initial = initial;
    this.#value = initial;
    this.#start = start;
  }

  readonly get = (): Value => this.#value;
  readonly getInitial = (): Value => this.#initial;

  /** Whether anyone listens. */
  get isUsed(): boolean {
    return this.#listeners.size > 0;
  }

  set(value: Value): void {
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#stop ??= this.#start(this);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  };
}

/** Makes a store, again when a dependency changes, and returns its value. */
export function useStore<Value>(make: () => Store<Value>, dependencies: readonly unknown[]): Value {
  const { subscribe, get, getInitial } = useMemo(make, dependencies);
  return useSyncExternalStore(subscribe, get, getInitial);
}

/** Returns an object whose `current` is the value of the last render that React committed. */
export function useLatest<Value>(value: Value): { readonly current: Value } {
  const latest = useRef(value);
  // before all other effects, so that they see it
  useInsertionEffect(() => void (latest.current = value));
  return latest;
}

/**
 * Returns a text that is the same for the same event and data.
 *
 * @throws Error if the name is empty or reserved; TypeError, which names the place, if JSON cannot carry the data
 */
export function keyOf(event: string, data: unknown): string {
  assertEmittable(event);
  return writeMessage({ event, data });
}
