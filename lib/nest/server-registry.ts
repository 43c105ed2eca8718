import { EnvelopeServer } from '../server/namespace/envelope-server.js';

/** Where injected servers find the adapter's: the module provides it, the adapter fills it in. */
export class ServerRegistry {
  /** Finds the server of a path; without one, the application's main server. Set by the adapter. */
  find: ((path: string | undefined) => EnvelopeServer) | undefined;
  /** The servers that clients can connect to, the children of RegExp namespaces included. Set by the adapter. */
  servers: (() => EnvelopeServer[]) | undefined;
  /** Whether a gateway has a path. Set by the adapter. */
  has: ((path: string) => boolean) | undefined;
  /** The paths of gateways. Set by the adapter. */
  paths: (() => string[]) | undefined;

  /**
   * A server that can be injected before the adapter exists. It is whatever the adapter mounted, looked up at each
   * use; used too early, it says so.
   */
  lateBound(path?: string): EnvelopeServer {
    const template = new EnvelopeServer();
    return new Proxy(template, {
      get: (_, property) => {
        // Nest asks every provider for `then` and for lifecycle hooks: no use of the server
        if (!(property in template)) return undefined;
        const server = this.find?.(path) ?? template;
        return Reflect.get(server, property, server) as unknown;
      },
    });
  }
}
