import type { Adapter, BroadcastOptions } from 'socket.io-adapter';

/** Any method of an adapter. */
export type Method = (...args: unknown[]) => unknown;

/**
 * The undocumented members of Socket.IO's adapters that this package relies on. Taken from `socket.io-adapter` 2.5 and
 * the adapters that extend it; an adapter may have none of them.
 */
export type Internals = Omit<Adapter, 'broadcast' | 'fetchSockets' | 'close'> & {
  /** Calls back with each socket of a target on this node. All local operations use it. */
  apply(options: BroadcastOptions, callback: (socket: never) => void): void;
  broadcast: Method;
  fetchSockets: Method;
  close: Method;
  /** Sends a message to the other nodes. In adapters that extend `ClusterAdapter`. */
  doPublish?: Method;
  /** Sends a message to the other nodes. In `@socket.io/mongo-adapter`, which does not extend `ClusterAdapter`. */
  publish?: Method;
  /** The timeout of requests, in milliseconds. In the classic Redis adapter. */
  readonly requestsTimeout?: number;
};

/**
 * Returns the prototype of the in-memory adapter, which every other adapter extends, from the copy of
 * `socket.io-adapter` that this one uses. Returns `undefined` for an object that only has the methods of an adapter.
 */
export function baseOf(adapter: object): Internals | undefined {
  let prototype: object | null = Object.getPrototypeOf(adapter) as object | null;
  while (prototype !== null && !Object.hasOwn(prototype, 'apply'))
    prototype = Object.getPrototypeOf(prototype) as object | null;
  return (prototype ?? undefined) as Internals | undefined;
}

/** Returns whether the adapter serves this process only: it does not override `serverCount`. */
export function isAlone(adapter: Internals): boolean {
  const base = baseOf(adapter);
  return base === undefined || base.serverCount === adapter.serverCount;
}

/** Replaces a method of an adapter. `make` receives the original. Does nothing if the adapter has no such method. */
export function override(adapter: object, name: string, make: (original: Method) => Method): void {
  const original: unknown = Reflect.get(adapter, name);
  if (typeof original !== 'function') return;
  Reflect.set(adapter, name, make((original as Method).bind(adapter)));
}

/**
 * Returns the name of the method that sends a message to the other nodes; `undefined` if the adapter has no known one.
 */
export function publisherOf(adapter: Internals): 'doPublish' | 'publish' | undefined {
  if (typeof adapter.doPublish === 'function') return 'doPublish';
  return typeof adapter.publish === 'function' ? 'publish' : undefined;
}
