import type { EnvelopeServer } from '../namespace/envelope-server.js';
import { concretePath } from './path-pattern.js';
import { showPlace, type Place } from './mount-point.js';
import type { Pool } from './endpoint.js';
import type { UpgradeHandler } from './upgrade-router.js';

/** All pools of one adapter. */
export class Pools implements Iterable<Pool> {
  private readonly byPlace = new Map<string, Pool>();

  get(place: Place): Pool | undefined {
    return this.byPlace.get(showPlace(place));
  }

  add(place: Place, pool: Pool): Pool {
    this.byPlace.set(showPlace(place), pool);
    return pool;
  }

  /** What takes the upgrades of a concrete path: the pool of that very path first, then patterns as they came. */
  handlerFor(port: number, path: string): UpgradeHandler | undefined {
    const exact = this.get({ port, path })?.handlerFor(path);
    if (exact !== undefined) return exact;
    for (const pool of this) {
      const found = pool.isDynamic && pool.place.port === port ? pool.handlerFor(path) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The server of a concrete path: its own pool's, or a child of a RegExp namespace. */
  serverFor(port: number, path: string): EnvelopeServer | undefined {
    const exact = this.get({ port, path });
    if (exact !== undefined) return exact.server;
    const concrete = concretePath(path);
    for (const pool of this) {
      if (pool.place.port === port && pool.matchesExpression(concrete)) return pool.child(concrete);
    }
    return undefined;
  }

  /** Whether a gateway has this path, or a RegExp namespace matches it. */
  has({ port, path }: Place): boolean {
    if (this.get({ port, path })?.server._wanted === true) return true;
    const concrete = concretePath(path);
    return [...this].some((pool) => pool.place.port === port && pool.matchesExpression(concrete));
  }

  [Symbol.iterator](): IterableIterator<Pool> {
    return this.byPlace.values();
  }
}
