import { callSafely } from '../util/safe-call.js';

type Listener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown };

/**
 * Makes the controller of a handler's signal. Node ends the process if a listener of a signal throws: what a listener of this
 * one throws is reported.
 */
export function createAbortController(report: (error: unknown) => void): AbortController {
  const controller = new AbortController();
  const { signal } = controller;
  // one wrapper for each listener: the platform adds a listener once, however often it is given
  const wrappers = new WeakMap<Listener, (event: Event) => void>();
  const wrap = (listener: Listener): ((event: Event) => void) => {
    const known = wrappers.get(listener);
    if (known !== undefined) return known;
    const wrapper = (event: Event): void =>
      callSafely(
        () =>
          typeof listener === 'function'
            ? Reflect.apply(listener, signal, [event])
            : listener.handleEvent(event),
        report,
      );
    wrappers.set(listener, wrapper);
    return wrapper;
  };
  for (const name of ['addEventListener', 'removeEventListener'] as const) {
    const method = signal[name];
    const value = (type: string, listener: unknown, ...options: unknown[]): void =>
      Reflect.apply(method, signal, [type, isListener(listener) ? wrap(listener) : listener, ...options]);
    Object.defineProperty(signal, name, { value, configurable: true, writable: true });
  }
  return controller;
}

function isListener(value: unknown): value is Listener {
  return typeof value === 'function' || (typeof value === 'object' && value !== null);
}
