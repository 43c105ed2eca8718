import type { EnvelopeServer } from '../namespace/envelope-server.js';
import { concretePath } from './path-pattern.js';
import { showMountPoint, type MountPoint } from './mount-point.js';
import type { Endpoint } from './endpoint.js';
import type { Params } from './path-pattern.js';
import type { HandleUpgrade } from './upgrade-router.js';

/** An endpoint, and the values of `:params` in the path that it was found by. */
export interface FoundEndpoint {
  readonly endpoint: Endpoint;
  readonly params: Params;
}

/** All endpoints of one adapter. */
export class EndpointRegistry implements Iterable<Endpoint> {
  private readonly byPlace = new Map<string, Endpoint>();

  get(place: MountPoint): Endpoint | undefined {
    return this.byPlace.get(showMountPoint(place));
  }

  add(place: MountPoint, endpoint: Endpoint): Endpoint {
    this.byPlace.set(showMountPoint(place), endpoint);
    return endpoint;
  }

  /** Finds the endpoint of a concrete path: that of the very path first, then patterns in the order of their gateways. */
  find(port: number, path: string): FoundEndpoint | undefined {
    const exact = this.get({ port, path });
    const exactParams = exact?.match(path);
    if (exactParams !== undefined) return { endpoint: exact!, params: exactParams };
    for (const endpoint of this) {
      if (!endpoint.isDynamic || endpoint.place.port !== port) continue;
      const params = endpoint.match(path);
      if (params !== undefined) return { endpoint, params };
    }
    return undefined;
  }

  /** Returns the function that takes WebSocket upgrades of a concrete path; `undefined`: no endpoint has the path. */
  handlerFor(port: number, path: string): HandleUpgrade | undefined {
    const found = this.find(port, path);
    return found && ((request, tcp, head) => found.endpoint.upgrade(request, tcp, head, path, found.params));
  }

  /** The server of a concrete path: its own endpoint's, or a child of a RegExp namespace. */
  serverFor(port: number, path: string): EnvelopeServer | undefined {
    const exact = this.get({ port, path });
    if (exact !== undefined) return exact.server;
    const concrete = concretePath(path);
    for (const endpoint of this) {
      if (endpoint.place.port === port && endpoint.matchesExpression(concrete))
        return endpoint.child(concrete);
    }
    return undefined;
  }

  /** Whether a gateway has this path, or a RegExp namespace matches it. */
  has({ port, path }: MountPoint): boolean {
    if (this.get({ port, path })?.server._isUsed === true) return true;
    const concrete = concretePath(path);
    return [...this].some((endpoint) => endpoint.place.port === port && endpoint.matchesExpression(concrete));
  }

  [Symbol.iterator](): IterableIterator<Endpoint> {
    return this.byPlace.values();
  }
}
