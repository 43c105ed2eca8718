import type { EnvelopeServer } from '../namespace/envelope-server.js';
import { concretePath } from './path-pattern.js';
import { showMountPoint, type MountPoint } from './mount-point.js';
import type { Endpoint } from './endpoint.js';
import type { HandleUpgrade } from './upgrade-router.js';

/** All pools of one adapter. */
export class EndpointRegistry implements Iterable<Endpoint> {
  private readonly byPlace = new Map<string, Endpoint>();

  get(place: MountPoint): Endpoint | undefined {
    return this.byPlace.get(showMountPoint(place));
  }

  add(place: MountPoint, pool: Endpoint): Endpoint {
    this.byPlace.set(showMountPoint(place), pool);
    return pool;
  }

  /** What takes the upgrades of a concrete path: the pool of that very path first, then patterns as they came. */
  handlerFor(port: number, path: string): HandleUpgrade | undefined {
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
  has({ port, path }: MountPoint): boolean {
    if (this.get({ port, path })?.server._wanted === true) return true;
    const concrete = concretePath(path);
    return [...this].some((pool) => pool.place.port === port && pool.matchesExpression(concrete));
  }

  [Symbol.iterator](): IterableIterator<Endpoint> {
    return this.byPlace.values();
  }
}
