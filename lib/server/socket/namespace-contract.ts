import type { Message } from '../transport/server-web-socket.js';
import type { Envelope } from '../../protocol/envelope.js';
import type { Untyped } from '../../protocol/typed-events.js';
import type { BroadcastOperator } from '../rooms/broadcast-operator.js';
import type { Namespace } from '../rooms/adapter-types.js';
import type { ClosedInfo, DisconnectReason } from '../transport/disconnect-reason.js';
import type { Engine } from './engine.js';
import type { Failures } from './failures.js';
import type { Identities } from '../handshake/user-identity.js';
import type { Inbound } from './inbound.js';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import type { Recovery, Restore } from '../recovery/types.js';
import type { Session } from '../recovery/session.js';

type Targeting =
  'emit' | 'to' | 'in' | 'except' | 'local' | 'volatile' | 'compress' | 'timeout' | 'emitWithAck';
type Utilities = 'fetchSockets' | 'socketsJoin' | 'socketsLeave' | 'disconnectSockets';

/** What takes a client's messages. */
export interface MessageReceiver {
  /** Takes the handlers of one gateway, bound to one client. */
  bind(socket: Inbound, handlers: unknown): void;
  receive(socket: Inbound, data: Message, isBinary: boolean): void;
  /** @returns whether it was an answer that the server waits for */
  takeAnswer(socket: Inbound, data: Message, isBinary: boolean): boolean;
  /** A message that waited has its turn. */
  receiveEvent(socket: Inbound, envelope: Envelope): void;
  /** A listener's promise was rejected. */
  listenerFailed(socket: Inbound, error: unknown, event: string, args: readonly unknown[]): void;
  /** The client sends more than it may. */
  refuseFlood(socket: Inbound, data: Message, isBinary: boolean): void;
}

/** Hears of clients that leave. */
interface Farewell {
  went(client: Inbound, reason: DisconnectReason, closed: ClosedInfo): void;
}

/** What a socket needs of what its server was given. */
export interface NamespaceServices {
  readonly limits: ConnectionLimits;
  readonly failures: Failures;
  readonly identities: Identities;
  /** The option `recovery.restore`. */
  readonly restore?: Restore | undefined;
  readonly router: MessageReceiver;
  readonly connections: Farewell;
  debug(text: string): void;
  /** What the gateway side knows of the gateways on this path. */
  readonly gateways: unknown;
  /** Asks the guards of the upgrade anew; never rejects. @returns what the client is told if one refuses */
  reauthenticate?(socket: Inbound): Promise<object | undefined>;
}

type Listener = (...args: Untyped[]) => void;

/** The server of a socket: all that `client.nsp` offers. */
export interface NamespaceContract
  extends Namespace, Pick<BroadcastOperator<Untyped>, Targeting | Utilities> {
  /** How many clients there are. */
  readonly engine: Engine;
  use(middleware: (socket: Untyped, next: (error?: Error) => void) => void): unknown;
  on(event: string, listener: Listener): unknown;
  once(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
  serverSideEmit(event: string, ...args: Untyped[]): boolean;
  /** @internal */
  readonly _mount: NamespaceServices;
  /** @internal Where clients that are away find what they missed. */
  readonly _recovery: Recovery | undefined;
  /** @internal */
  readonly _isClosing: boolean;
  /** @internal For what a client did: sampled. */
  _warn(subject: string, text: string): void;
  /** @internal Keeps the session of a client that leaves, rooms and all. */
  _keep(socket: Inbound, session: Session): void;
  /** @internal */
  _remove(socket: Inbound): void;
  /** @internal A promise that a shutdown waits for. */
  _await(promise: Promise<void>): void;
}
