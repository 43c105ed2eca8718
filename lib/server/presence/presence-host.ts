import type { Room } from 'socket.io-adapter';
import type { ClientWithUser } from '../handshake/user-identity.js';
import type { ClientEvents, Namespace } from '../rooms/adapter-types.js';

/** The part of a client that presence uses. */
export interface Tracked extends ClientWithUser {
  readonly id: string;
  readonly rooms: ReadonlySet<Room>;
  readonly connected: boolean;
  /** @internal How the connection ended; `undefined` while it is open. */
  readonly closed: object | undefined;
}

/** The part of a server that presence uses. */
export interface PresenceHost extends Namespace {
  /** @internal The handlers of this package's messages from other nodes, by event name. */
  readonly _internalListeners: Map<string, (...values: unknown[]) => void>;
  /** @internal The handlers of this package's events of clients, by event name. */
  readonly _clientEvents: ClientEvents;
  /** @internal */
  readonly _isClosing: boolean;
  /** @internal Calls `listener` when the number of nodes changes, and when the connection to the broker is restored. */
  _onClusterChange(listener: () => void): void;
}
