import { IterableSource, isIterableSource } from './iterable-source.js';
import { SharedPatch } from '../gateways/shared-patch.js';

type Handler = (this: unknown, ...args: unknown[]) => unknown;

const patches = new SharedPatch<object>();

/**
 * Converts the generators and async iterables that a handler returns, or resolves to, into Observables. Otherwise each
 * would be a single value for Nest's interceptors, and no exception filter would receive what it throws.
 *
 * Nest calls a handler with `callback.apply(instance, args)`. Therefore this replaces the function's `apply`. A direct
 * call of the method still returns the original result.
 *
 * @returns a function that restores the handler
 */
export function convertIterablesToObservables(handler: object): () => void {
  return patches.acquire(handler, (method) => {
    const own = Object.getOwnPropertyDescriptor(method, 'apply');
    const apply = (instance: unknown, args: unknown[]): unknown => {
      const result: unknown = Reflect.apply(method as Handler, instance, args);
      if (typeof result !== 'object' || result === null) return result;
      const isPromise = typeof Reflect.get(result, 'then') === 'function';
      return isPromise ? Promise.resolve(result).then(toObservable) : toObservable(result);
    };
    Object.defineProperty(method, 'apply', { value: apply, configurable: true, writable: true });
    return () => {
      if (own === undefined) Reflect.deleteProperty(method, 'apply');
      else Object.defineProperty(method, 'apply', own);
    };
  });
}

function toObservable(result: unknown): unknown {
  return isIterableSource(result) ? new IterableSource(result) : result;
}
