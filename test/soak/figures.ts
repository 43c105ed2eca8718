import { Server, Socket } from 'node:net';
import { ChildProcess } from 'node:child_process';

/** Returns the number of entries of each map, set and list that is reachable from an object, by its path. */
export function sizesUnder(root: object): Record<string, number> {
  const sizes: Record<string, number> = {};
  const seen = new Set<unknown>();
  const queue: [value: unknown, path: string][] = [[root, '']];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [value, path] = next;
    if (typeof value !== 'object' || value === null || seen.has(value) || isForeign(value)) continue;
    seen.add(value);
    if (value instanceof Map || value instanceof Set) {
      sizes[path] = value.size;
      for (const [key, entry] of value.entries()) queue.push([entry, `${path}[${nameOf(key)}]`]);
    } else if (Array.isArray(value)) {
      sizes[path] = value.length;
      for (const [index, entry] of value.entries()) queue.push([entry, `${path}[${index}]`]);
    } else {
      for (const key of Reflect.ownKeys(value)) {
        // a timer keeps the async context that it was started in, until it runs
        if (String(key) === 'Symbol(kResourceStore)') continue;
        const field = Object.getOwnPropertyDescriptor(value, key);
        if (field !== undefined && 'value' in field) queue.push([field.value, `${path}.${String(key)}`]);
      }
    }
  }
  return sizes;
}

/** Whether it is an object of Node: its lists are counted as resources and listeners. */
function isForeign(value: object): boolean {
  return (
    value instanceof Server ||
    value instanceof Socket ||
    value instanceof ChildProcess ||
    ArrayBuffer.isView(value)
  );
}

function nameOf(key: unknown): string {
  if (typeof key === 'string' || typeof key === 'number') return String(key);
  return typeof key === 'function' ? key.name : typeof key;
}

export function countByName(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** What an idle server keeps. */
export interface Figures {
  /** The sizes of all maps, sets and lists of the adapter. */
  sizes: Record<string, number>;
  /** The resources that keep the process alive: timers, sockets. */
  resources: Record<string, number>;
  /** Listeners on the HTTP server and on the process. */
  listeners: Record<string, number>;
  /** The number of objects of some classes on the heap. */
  objects: Record<string, number>;
  /** The clients and rooms of each path. */
  clients: Record<string, number>;
  /** The bytes in use after a garbage collection. */
  heap: number;
  /** The bytes of buffers outside of the heap. */
  external: number;
  /** The number of TCP connections so far. */
  connections: number;
}
