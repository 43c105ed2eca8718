import type { Adapter } from 'socket.io-adapter';
import type { ClusterStatus } from '../diagnostics/types.js';
import type { ForEachSocket } from './target.js';
import { MemoryAdapter } from './memory-adapter.js';

/**
 * A class or a factory function of Socket.IO's adapter contract. Called with `new` if possible, as in Socket.IO. An arrow
 * function may return `undefined` for rooms in memory, for example where the broker is not configured.
 */
export type AdapterFactory = (new (nsp: unknown) => Adapter) | ((nsp: unknown) => Adapter | undefined);

/**
 * Creates the adapter of a server.
 *
 * @param forEachSocket replaces the adapter's own function, if the sockets belong to other servers
 */
export type CreateAdapter = (nsp: unknown, forEachSocket?: ForEachSocket) => Adapter;

/** Calls a class with `new`, and an arrow function, which has no prototype, without. */
export function createAdapter(factory: AdapterFactory, nsp: unknown): Adapter {
  if (factory.prototype === undefined)
    return (factory as (nsp: unknown) => Adapter | undefined)(nsp) ?? new MemoryAdapter(nsp);
  return new (factory as new (nsp: unknown) => Adapter)(nsp);
}

/** Monitors the connections of this process's adapters to the other nodes. */
export interface ClusterMonitor {
  /** Returns the cluster status of an adapter. */
  statusOf(adapter: Adapter): ClusterStatus;
  /** Calls `listener` when the number of nodes changes, and when the connection to the broker is restored. */
  watch(adapter: Adapter, listener: () => void): void;
}
