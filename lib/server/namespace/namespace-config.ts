import type { EnvelopeSocket } from '../socket/envelope-socket.js';
import type { MessageRouter } from '../socket/message-router.js';
import type { GatewayBridge, NamespaceLimits, NamespaceServices } from '../socket/namespace-contract.js';

/** The configuration of one server, which an adapter passes to it when it mounts the server on a path. */
export interface NamespaceConfig<Server> {
  /** The full URL path, with a port prefix (`:3005/ws`) if the port is not the application's. */
  readonly name: string;
  readonly limits: NamespaceLimits;
  readonly services: NamespaceServices<EnvelopeSocket>;
  readonly gateway: GatewayBridge<EnvelopeSocket> & { readonly router: MessageRouter };
  /** Returns another server of the same adapter, by its path. */
  readonly of: (path: string | RegExp) => Server;
  /** The server of the RegExp namespace that this server is a child of; absent for other servers. */
  readonly parent?: Server;
}
