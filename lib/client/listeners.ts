/** A listener, whatever it takes. */
export type AnyFunction = (...args: never[]) => unknown;

/** Listeners by the name of what they listen to. */
export class Listeners {
  readonly #byName = new Map<string, readonly Entry[]>();

  add(name: string, listener: AnyFunction, isOnce = false): void {
    assertName(name);
    if (typeof listener !== 'function') throw new TypeError(`the listener of "${name}" is no function`);
    this.#byName.set(name, [...this.#of(name), { listener, isOnce }]);
  }

  /** Without a listener: all of that name. */
  remove(name: string, listener?: AnyFunction): void {
    assertName(name);
    this.#keep(name, (entry) => listener !== undefined && entry.listener !== listener);
  }

  /** Those that are to be called now; a list of its own. */
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
    throw new TypeError(`event is ${String(event)}: it takes the name of an event`);
}

interface Entry {
  readonly listener: AnyFunction;
  readonly isOnce: boolean;
}

/** Calls a listener; what it throws is the page's affair, and no reason for others not to be called. */
export function callListener(listener: AnyFunction, args: readonly unknown[]): unknown {
  try {
    return (listener as (...args: readonly unknown[]) => unknown)(...args);
  } catch (error) {
    report(error);
    return undefined;
  }
}

/** As what nobody has caught. */
export function report(error: unknown): void {
  const { reportError } = globalThis as { reportError?: (error: unknown) => void };
  if (reportError !== undefined) return reportError(error);
  queueMicrotask(() => {
    throw error;
  });
}
