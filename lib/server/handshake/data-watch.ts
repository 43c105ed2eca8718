import { isPlain } from '../util/canonical.js';

/** The accesses to an object while it was watched. */
export interface DataWatch {
  /** The object to pass to users' code instead of the watched one. */
  readonly proxy: object;
  /** The keys that were written and not deleted afterwards. */
  readonly written: ReadonlySet<PropertyKey>;
  /** The keys whose value was read and is an object: that object may have been changed in place. */
  readonly read: ReadonlySet<PropertyKey>;
}

/**
 * Records which keys of an object are written and read. Writes go to the object itself.
 *
 * @returns `undefined` for a class instance, since its methods may not work on a proxy
 */
export function watchData(data: object): DataWatch | undefined {
  if (!isPlain(data)) return undefined;
  const written = new Set<PropertyKey>();
  const read = new Set<PropertyKey>();
  const proxy = new Proxy(data, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value === 'object' && value !== null) read.add(key);
      return value;
    },
    // every write ends in this trap, `set` included
    defineProperty(target, key, descriptor) {
      written.add(key);
      return Reflect.defineProperty(target, key, descriptor);
    },
    deleteProperty(target, key) {
      written.delete(key);
      return Reflect.deleteProperty(target, key);
    },
  });
  return { proxy, written, read };
}
