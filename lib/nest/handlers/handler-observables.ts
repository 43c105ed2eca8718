import { IterableSource, isIterableSource } from './iterable-source.js';
import { SharedPatch } from '../gateways/shared-patch.js';

type Handler = (this: unknown, ...args: unknown[]) => unknown;

const patches = new SharedPatch<object>();

/**
 * Makes Nest see generators and async iterables that a handler returns, or resolves to, as Observables: to its interceptors and
 * exception filters they would be one value, and what is thrown in them would reach neither.
 *
 * Nest calls a handler with `callback.apply(instance, args)`: the function gets an `apply` of its own. Whoever calls the
 * method itself gets what it returns.
 *
 * @returns what undoes it
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
