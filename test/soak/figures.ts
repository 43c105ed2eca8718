import { Server, Socket } from 'node:net';
import { ChildProcess } from 'node:child_process';

/** How many entries every map, set and list has that can be reached from an object, by the way there. */
export function sizesUnder(root: object): Record<string, number> {
  const sizes: Record<string, number> = {};
  const seen = new Set<unknown>();
  const queue: [value: unknown, way: string][] = [[root, '']];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [value, way] = next;
    if (typeof value !== 'object' || value === null || seen.has(value) || isForeign(value)) continue;
    seen.add(value);
    if (value instanceof Map || value instanceof Set) {
      sizes[way] = value.size;
      for (const [key, entry] of value.entries()) queue.push([entry, `${way}[${nameOf(key)}]`]);
    } else if (Array.isArray(value)) {
      sizes[way] = value.length;
      for (const [index, entry] of value.entries()) queue.push([entry, `${way}[${index}]`]);
    } else {
      for (const key of Reflect.ownKeys(value)) {
        // a timer keeps the context of the request that it was started in, until it runs
        if (String(key) === 'Symbol(kResourceStore)') continue;
        const field = Object.getOwnPropertyDescriptor(value, key);
        if (field !== undefined && 'value' in field) queue.push([field.value, `${way}.${String(key)}`]);
      }
    }
  }
  return sizes;
}

/** Node's own: their lists are counted as resources and listeners. */
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

/** What a server at rest holds. */
export interface Figures {
  /** Every map, set and list of the adapter. */
  sizes: Record<string, number>;
  /** What keeps the process alive: timers, sockets. */
  resources: Record<string, number>;
  /** Listeners on the HTTP server and on the process. */
  listeners: Record<string, number>;
  /** Objects of these classes on the heap. */
  objects: Record<string, number>;
  /** Clients of each path. */
  clients: Record<string, number>;
  /** Bytes in use after a collection. */
  heap: number;
  /** Bytes outside of the heap: buffers. */
  external: number;
  /** TCP connections so far. */
  connections: number;
}
