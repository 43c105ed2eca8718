import type { Adapter, BroadcastOptions } from 'socket.io-adapter';
import type { ClusterStatus } from '../diagnostics/types.js';

/** A class or factory of Socket.IO's adapter contract; called with `new` where possible, as in Socket.IO. */
export type AdapterFactory = (new (nsp: unknown) => Adapter) | ((nsp: unknown) => Adapter);

/** Goes through this node's sockets of a target: what all adapters do by a function of the in-memory one. */
export type Walk = (options: BroadcastOptions, callback: (socket: unknown) => void) => void;

/** Makes the adapter of a server. @param walk in the place of its own, where the sockets are those of other servers */
export type AdapterMaker = (nsp: unknown, walk?: Walk) => Adapter;

/** Calls a factory; an arrow function has no prototype, and cannot be called with `new`. */
export function makeAdapter(factory: AdapterFactory, nsp: unknown): Adapter {
  if (factory.prototype === undefined) return (factory as (nsp: unknown) => Adapter)(nsp);
  return new (factory as new (nsp: unknown) => Adapter)(nsp);
}

/** How the adapters of this process stand with the other nodes. */
export interface ClusterWatch {
  statusOf(adapter: Adapter): ClusterStatus;
  /** @param listener hears that there are fewer nodes, or that the broker is back */
  watch(adapter: Adapter, listener: () => void): void;
}
