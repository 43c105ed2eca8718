import type { EnvelopeSocket } from '../socket/envelope-socket.js';
import type { MessageRouter } from '../socket/message-router.js';
import type { GatewayBridge, NamespaceLimits, NamespaceServices } from '../socket/namespace-contract.js';

/** What a server gets when an adapter mounts it on a path. */
export interface NamespaceConfig<Server> {
  /** The full URL path; with the port in front if that is not the application's. */
  readonly name: string;
  readonly limits: NamespaceLimits;
  readonly services: NamespaceServices<EnvelopeSocket>;
  readonly gateway: GatewayBridge<EnvelopeSocket> & { readonly router: MessageRouter };
  /** Returns another server of the same adapter, by its path. */
  readonly of: (path: string | RegExp) => Server;
  /** The RegExp namespace that the server is a child of. */
  readonly parent?: Server;
}
