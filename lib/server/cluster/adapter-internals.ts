import type { Adapter, BroadcastOptions } from 'socket.io-adapter';

/** Any function of an adapter's. */
export type Method = (...args: unknown[]) => unknown;

/**
 * What Socket.IO's adapters have below their public contract, as far as this package leans on it. Read off
 * `socket.io-adapter` 2.5 and the adapters that stand on it; all of it may be absent.
 */
export type Internals = Omit<Adapter, 'broadcast' | 'fetchSockets' | 'close'> & {
  /** Walks this node's sockets of a target: all that is local goes through it. */
  apply(options: BroadcastOptions, callback: (socket: never) => void): void;
  broadcast: Method;
  fetchSockets: Method;
  close: Method;
  /** Of those that stand on `ClusterAdapter`: sends a message to the other nodes. */
  doPublish?: Method;
  /** The same of `@socket.io/mongo-adapter`, which does not stand on `ClusterAdapter`. */
  publish?: Method;
  /** Milliseconds; of the classic Redis adapter. */
  readonly requestsTimeout?: number;
};

/**
 * The in-memory adapter that every other one is made of, in whichever of several copies of its package; `undefined`
 * for one that only looks like an adapter.
 */
export function baseOf(adapter: object): Internals | undefined {
  let prototype: object | null = Object.getPrototypeOf(adapter) as object | null;
  while (prototype !== null && !Object.hasOwn(prototype, 'apply'))
    prototype = Object.getPrototypeOf(prototype) as object | null;
  return (prototype ?? undefined) as Internals | undefined;
}

/** Whether the adapter only serves this process: it counts no other nodes. */
export function isAlone(adapter: Internals): boolean {
  const base = baseOf(adapter);
  return base === undefined || base.serverCount === adapter.serverCount;
}

/** Puts a function in the place of one of the adapter's own, which it is given; where there is none, does nothing. */
export function override(adapter: object, name: string, make: (original: Method) => Method): void {
  const original: unknown = Reflect.get(adapter, name);
  if (typeof original !== 'function') return;
  Reflect.set(adapter, name, make((original as Method).bind(adapter)));
}

/** The method that sends a message to the other nodes; `undefined` where the adapter has none that is known. */
export function publisherOf(adapter: Internals): 'doPublish' | 'publish' | undefined {
  if (typeof adapter.doPublish === 'function') return 'doPublish';
  return typeof adapter.publish === 'function' ? 'publish' : undefined;
}
