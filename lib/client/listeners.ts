import { invalidArgument } from '../protocol/with-code.js';

/** The listeners of the metadata of messages. An application's event cannot begin with `$`. */
export const META = '$meta';

/** A listener with any parameters. */
export type AnyFunction = (...args: never[]) => unknown;

/** The listeners of a client by event name. */
export class Listeners {
  readonly #byName = new Map<string, readonly Entry[]>();

  add(name: string, listener: AnyFunction, isOnce = false): void {
    assertName(name);
    assertListener(name, listener);
    this.#byName.set(name, [...this.#of(name), { listener, isOnce }]);
  }

  /** Removes a listener, or all listeners of that name if no listener is given. */
  remove(name: string, listener?: AnyFunction): void {
    assertName(name);
    this.#keep(name, (entry) => listener !== undefined && entry.listener !== listener);
  }

  /** Returns the listeners to call now, in a new list, and removes those that were added for one call. */
  take(name: string): AnyFunction[] {
    const entries = this.#of(name);
    if (entries.some(({ isOnce }) => isOnce)) this.#keep(name, ({ isOnce }) => !isOnce);
    return entries.map(({ listener }) => listener);
  }

  #keep(name: string, isKept: (entry: Entry) => boolean): void {
    const kept = this.#of(name).filter(isKept);
    if (kept.length === 0) this.#byName.delete(name);
    else this.#byName.set(name, kept);
  }

  #of(name: string): readonly Entry[] {
    return this.#byName.get(name) ?? [];
  }
}

function assertName(event: unknown): void {
  if (typeof event !== 'string')
    throw invalidArgument(`event is ${String(event)}: it takes the name of an event`);
}

/** @throws TypeError */
export function assertListener(name: string, listener: unknown): void {
  if (typeof listener !== 'function') throw invalidArgument(`the listener of "${name}" is not a function`);
}

interface Entry {
  readonly listener: AnyFunction;
  readonly isOnce: boolean;
}

/** Calls a listener. An error that it throws is reported as uncaught, so that the other listeners still run. */
export function callListener(listener: AnyFunction, args: readonly unknown[]): unknown {
  try {
    return (listener as (...args: readonly unknown[]) => unknown)(...args);
  } catch (error) {
    report(error);
    return undefined;
  }
}

/** Reports an error as uncaught, without interrupting the caller. */
export function report(error: unknown): void {
  const { reportError } = globalThis as { reportError?: (error: unknown) => void };
  if (reportError !== undefined) return reportError(error);
  queueMicrotask(() => {
    throw error;
  });
}
