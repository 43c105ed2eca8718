import { EnvelopeOperations } from '../operations/envelope-operations.js';
import { EnvelopeServer } from '../../server/namespace/envelope-server.js';

/** Finds the servers that an adapter has mounted. */
export interface ServerLookup {
  /**
   * Returns the server of `/path` or `:port/path`, or the application's main server without a path.
   *
   * @throws Error without a path, if no gateway is on the default path and not exactly one other path is mounted
   */
  find(path: string | undefined): EnvelopeServer;
  /** Whether a gateway has this path, or a RegExp namespace matches it. */
  has(path: string): boolean;
  /** Returns the servers that clients can connect to, including the children of RegExp namespaces. */
  servers(): EnvelopeServer[];
  /** Whether this node drains. */
  readonly isDraining: boolean;
  /** Returns the paths of gateways, on one port or on all. */
  paths(port?: number): string[];
}

/** Connects injected servers with the adapter: `EnvelopeModule` provides it, and `EnvelopeAdapter` sets `lookup`. */
export class ServerRegistry {
  /** `undefined` until an adapter is created with the application. */
  lookup: ServerLookup | undefined;
  /** The operations of the adapter, which connects them. */
  readonly operations = new EnvelopeOperations();

  /**
   * Returns a server that can be injected before the adapter exists. Each use looks up the server that the adapter has
   * mounted. A use before that throws an Error that says so.
   */
  lateBound(path?: string): EnvelopeServer {
    const template = new EnvelopeServer();
    return new Proxy(template, {
      get: (_, property) => {
        // Nest reads `then` and lifecycle hooks of every provider: that does not use the server
        if (!(property in template)) return undefined;
        const server = this.lookup?.find(path) ?? template;
        return Reflect.get(server, property, server) as unknown;
      },
    });
  }
}
