import type { Envelope, Refusal } from '../../protocol/envelope.js';
import type { Untyped } from '../../protocol/typed-events.js';
import type { ErrorReporter } from '../diagnostics/types.js';
import type { Identities } from '../handshake/user-identity.js';
import type { Recovery, RecoverySettings, Restore } from '../recovery/types.js';
import type { Session } from '../recovery/session.js';
import type { CreateAdapter, ClusterMonitor } from '../rooms/adapter-factory.js';
import type { ClientEvents, Namespace } from '../rooms/adapter-types.js';
import type { BroadcastOperator } from '../rooms/broadcast-operator.js';
import type { HistoryOption, ServerHistory } from '../rooms/history.js';
import type { Encoding } from '../transport/encoding.js';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import type { Message } from '../transport/message.js';
import type { ClosedInfo, DisconnectReason } from '../transport/disconnect-reason.js';
import type { Engine } from './engine.js';
import type { Turn } from './turn.js';

type Targeting =
  'emit' | 'to' | 'in' | 'except' | 'local' | 'volatile' | 'compress' | 'timeout' | 'emitWithAck';
type Utilities = 'fetchSockets' | 'socketsJoin' | 'socketsLeave' | 'disconnectSockets';

/** Counts messages that were ignored or refused, since the start. */
export interface Counters {
  /** Answers to requests that this side did not make, or that were answered or timed out before. */
  ignoredAnswers: number;
  /** Messages that were refused with an exception. */
  refusedMessages: number;
  /** Messages of other nodes, or of anyone else who reaches the broker, that could not be read. */
  droppedClusterMessages: number;
}

/** Reads the messages of the clients of one path, and runs those that may run now. */
export interface MessageHandling<Client> {
  /** Takes the handlers of one gateway, bound to one client. */
  bind(client: Client, handlers: unknown): void;
  readonly counters: Counters;
  /** Whether a microservice listens on this path. */
  readonly takesPackets: boolean;
  /** Decodes a message; `undefined`: the application's own parser ignores it. */
  read(client: Client, data: Message, isBinary: boolean): Envelope | Refusal | undefined;
  /** Whether some messages of this path are handled in order. */
  readonly hasOrder: boolean;
  /** Whether the next message of the client waits for the end of this one. */
  isOrdered(envelope: Envelope): boolean;
  /** Runs the handlers of an event, or passes a packet to the microservice. @param turn of a message in order */
  run(client: Client, envelope: Envelope, turn: Turn | undefined): void;
  /** Runs `$ping`, `$cancel` or `$auth`. */
  runProtocolEvent(client: Client, envelope: Envelope): void;
  /** Answers a message with a refusal. */
  refuse(client: Client, refusal: Refusal): void;
  /** Reports that a listener's promise was rejected. */
  listenerFailed(client: Client, error: unknown, event: string, args: readonly unknown[]): void;
}

/** Is notified of clients that connect and disconnect. */
export interface ConnectionListener<Client> {
  connected(client: Client): void;
  disconnected(client: Client, reason: DisconnectReason, closed: ClosedInfo): void;
}

/** The limits and timeouts of one path: plain data. */
export interface NamespaceLimits extends ConnectionLimits {
  /** What clients that negotiated `envelope.v1` receive in `$session`. */
  readonly session: {
    readonly pingInterval: number;
    readonly pingTimeout: number;
    readonly maxPayload: number;
    readonly maxJsonDepth: number;
  };
  /** Milliseconds for middlewares and `handleConnection`. */
  readonly connectTimeout: number;
  /** Milliseconds that handlers get to end when the server closes. */
  readonly shutdownTimeout: number;
}

/** What the namespace of one path uses of its adapter. */
export interface NamespaceServices<Client> {
  readonly report: ErrorReporter;
  /** Logs what an operator should see; the log is sampled by subject. */
  warn(subject: string, text: string): void;
  /** Logs at level debug what helps a developer. */
  debug(text: string): void;
  readonly connections: ConnectionListener<Client>;
  /** The encoding of clients that speak the envelope protocol. */
  readonly encoding: Encoding;
  readonly adapter: CreateAdapter;
  readonly cluster: ClusterMonitor;
  /** Keeps the messages that clients miss while they are away; absent where nothing is kept. */
  readonly recovery?: RecoverySettings | undefined;
  /** The option `history`. */
  readonly history?: HistoryOption | undefined;
  /** The option `recovery.restore`. */
  readonly restore?: Restore | undefined;
  /** Whether an operator has blocked a user, by its name. */
  isUserBlocked(name: string): boolean;
  /** How users are named: the same object for all children of a RegExp namespace, which share its warnings. */
  readonly identities: Identities;
}

/** How errors of the application's code reach clients. */
export interface ErrorMapping {
  /** Returns the payload of the `exception` that a client receives. */
  toPayload(error: unknown): object;
  /** Returns whether the client caused the error, so that it is not logged. */
  isClientFault(error: unknown): boolean;
  /** Makes the error of a `join` that exceeds a limit. */
  roomLimit(message: string): Error;
}

/** What the gateways of one path, and Nest, do for its namespace. */
export interface GatewayBridge<Client> {
  readonly router: MessageHandling<Client>;
  readonly errors: ErrorMapping;
  /** Resolves when `handleConnection` of all gateways has ended, and never rejects; `undefined`: it has. */
  settled(client: Client): Promise<void> | undefined;
  /** Runs the guards of the upgrade again, and never rejects; absent on a path without guards. @returns the refusal */
  reauthenticate?(client: Client): Promise<object | undefined>;
  /** Checks what the application emits; `undefined`: nothing does. @throws Error if the data is not as declared */
  readonly checkEmit: ((event: string, args: readonly unknown[]) => void) | undefined;
  /** Whether a handler does requests with a key once: the feature `once`. */
  readonly doesOnce: boolean;
  /** Further names in `$session.features`. */
  readonly transportFeatures: readonly string[];
  /** Whether no check of the application was given the upgrade request. */
  readonly hidesRequests: boolean;
  /** The gateways of this path, as the Nest side knows them. */
  readonly gateways: unknown;
}

type Listener = (...args: Untyped[]) => void;

/** The server of a socket: what `client.nsp` offers. */
export interface NamespaceContract
  extends Namespace, Pick<BroadcastOperator<Untyped>, Targeting | Utilities> {
  /** How many clients are connected. */
  readonly engine: Engine;
  use(middleware: (socket: Untyped, next: (error?: Error) => void) => void): unknown;
  on(event: string, listener: Listener): unknown;
  once(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
  serverSideEmit(event: string, ...args: Untyped[]): boolean;
  /** @internal */
  readonly _config: {
    readonly limits: NamespaceLimits;
    readonly services: NamespaceServices<object>;
    readonly gateway: GatewayBridge<object>;
  };
  /** @internal Keeps the messages that clients miss. */
  readonly _recovery: Recovery | undefined;
  /** @internal The histories of rooms. */
  readonly _history: ServerHistory | undefined;
  /** @internal */
  readonly _clientEvents: ClientEvents;
  /** @internal */
  readonly _isClosing: boolean;
  /** @internal Logs what a client did: sampled. */
  _warn(subject: string, text: string): void;
  /** @internal Keeps the session of a client that disconnects. */
  _storeSession(socket: object, session: Session): void;
  /** @internal */
  _remove(socket: object): void;
  /** @internal Adds a promise that a shutdown waits for. */
  _waitFor(promise: Promise<void>): void;
}
