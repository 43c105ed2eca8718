import type { EnvelopeServer } from '../namespace/envelope-server.js';
import type { ChildServers } from './child-servers.js';
import { concretePath } from './path-pattern.js';
import { mountPointName, type MountPoint } from './mount-point.js';
import type { Endpoint } from './endpoint.js';
import type { Params } from './path-pattern.js';
import type { HandleUpgrade } from './upgrade-router.js';

/** The endpoint of a concrete path, with the values of the path's `:params`. */
export interface FoundEndpoint {
  readonly endpoint: Endpoint;
  readonly params: Params;
}

/** The endpoints of one adapter, by mount point. Finds the endpoint, or the server, of a concrete path. */
export class EndpointRegistry implements Iterable<Endpoint> {
  private readonly byName = new Map<string, Endpoint>();

  get(mountPoint: MountPoint): Endpoint | undefined {
    return this.byName.get(mountPointName(mountPoint));
  }

  add(mountPoint: MountPoint, endpoint: Endpoint): Endpoint {
    this.byName.set(mountPointName(mountPoint), endpoint);
    return endpoint;
  }

  /**
   * Finds the endpoint of a concrete path. An exact path precedes patterns, which are tried in the order of their
   * gateways.
   */
  find(port: number, path: string): FoundEndpoint | undefined {
    const exact = this.get({ port, path });
    const exactParams = exact?.match(path);
    if (exactParams !== undefined) return { endpoint: exact!, params: exactParams };
    for (const endpoint of this) {
      if (!endpoint.isDynamic || endpoint.mountPoint.port !== port) continue;
      const params = endpoint.match(path);
      if (params !== undefined) return { endpoint, params };
    }
    return undefined;
  }

  /**
   * Returns the function that handles WebSocket upgrades of a concrete path; `undefined` if no endpoint has the path.
   */
  handlerFor(port: number, path: string): HandleUpgrade | undefined {
    const found = this.find(port, path);
    return found && ((request, tcp, head) => found.endpoint.upgrade(request, tcp, head, path, found.params));
  }

  /**
   * Returns the server of a concrete path: that of its endpoint, or a child of a RegExp namespace, which it creates if
   * necessary.
   */
  serverFor(port: number, path: string): EnvelopeServer | undefined {
    const exact = this.get({ port, path });
    if (exact !== undefined) return exact.server;
    const concrete = concretePath(path);
    return this.childrenWith(port, concrete)?.of(concrete);
  }

  /** Returns whether a gateway uses this path, or a RegExp namespace matches it. */
  has({ port, path }: MountPoint): boolean {
    if (this.get({ port, path })?.server._isUsed === true) return true;
    return this.childrenWith(port, concretePath(path)) !== undefined;
  }

  /** Returns the children of the first RegExp namespace that matches a concrete path. */
  private childrenWith(port: number, path: string): ChildServers | undefined {
    for (const { mountPoint, children } of this)
      if (mountPoint.port === port && children?.matches(path) === true) return children;
    return undefined;
  }

  [Symbol.iterator](): IterableIterator<Endpoint> {
    return this.byName.values();
  }
}
