import { isPlain } from '../util/canonical.js';

/** What was done to an object while it was watched. */
export interface DataWatch {
  /** The object to hand out in the place of the watched one. */
  readonly shown: object;
  /** The keys that were written, and not deleted since. */
  readonly written: ReadonlySet<PropertyKey>;
  /** The keys of objects that were read: those may have been changed in their places. */
  readonly read: ReadonlySet<PropertyKey>;
}

/**
 * Watches which keys of an object are written and read. The object itself is changed, as ever.
 *
 * @returns `undefined` for an instance of a class, whose methods may need the object itself
 */
export function watchData(data: object): DataWatch | undefined {
  if (!isPlain(data)) return undefined;
  const written = new Set<PropertyKey>();
  const read = new Set<PropertyKey>();
  const shown = new Proxy(data, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value === 'object' && value !== null) read.add(key);
      return value;
    },
    // every way to write comes here: `set` ends in it, too
    defineProperty(target, key, descriptor) {
      written.add(key);
      return Reflect.defineProperty(target, key, descriptor);
    },
    deleteProperty(target, key) {
      written.delete(key);
      return Reflect.deleteProperty(target, key);
    },
  });
  return { shown, written, read };
}
