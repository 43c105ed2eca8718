import type { CreateAdapter, ClusterMonitor } from '../rooms/adapter-factory.js';
import type { Conversation } from '../socket/conversation.js';
import type { ErrorReporter } from '../diagnostics/types.js';
import type { ClosedInfo, DisconnectReason } from '../transport/disconnect-reason.js';
import type { Failures } from '../socket/failures.js';
import type { Identities } from '../handshake/user-identity.js';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import type { MessageRouter } from '../socket/message-router.js';
import type { RecoverySettings, Restore } from '../recovery/types.js';

/** Hears of clients that come and go. */
export interface ConnectionListener {
  came(client: Conversation): void;
  went(client: Conversation, reason: DisconnectReason, closed: ClosedInfo): void;
}

/** What a server is given when an adapter mounts it on a path. */
export interface NamespaceConfig<Server> {
  /** The full URL path, with the port in front only where it is not the application's. */
  readonly name: string;
  readonly adapter: CreateAdapter;
  readonly cluster: ClusterMonitor;
  /** Keeps what clients miss while they are away; absent where nothing is kept. */
  readonly recovery?: RecoverySettings;
  /** Decides what clients get back that resume their sessions. */
  readonly restore?: Restore | undefined;
  readonly router: MessageRouter;
  readonly report: ErrorReporter;
  /** What clients did that its operators should see; one subject is told of so often, and no more. */
  readonly warn: (subject: string, text: string) => void;
  /** What helps a developer, at level debug. */
  readonly debug: (text: string) => void;
  readonly connections: ConnectionListener;
  readonly limits: ConnectionLimits;
  readonly failures: Failures;
  /** How users are named: the same object for all children of a RegExp namespace, which also stands for its warnings. */
  readonly identities: Identities;
  /** What clients that negotiated `envelope.v1` are told first. */
  readonly session: { readonly pingInterval: number; readonly maxPayload: number };
  /** No check of the application's was given the upgrade request. */
  readonly hidesRequests: boolean;
  /** How long middlewares and `handleConnection` may take, in milliseconds. */
  readonly connectTimeout: number;
  /** How long handlers may take to answer when the server closes, in milliseconds. */
  readonly shutdownTimeout: number;
  /** Runs the guards of the upgrade anew; absent where there are none. */
  reauthenticate?(socket: Conversation): Promise<object | undefined>;
  /** `handleConnection` of all gateways: `undefined` when it is done, else a promise that never rejects. */
  readonly settled: (socket: Conversation) => Promise<void> | undefined;
  /** What the gateway side knows of the gateways on this path. */
  readonly gateways: unknown;
  /** Another server of the same adapter, by its path. */
  readonly of: (path: string | RegExp) => Server;
  /** Of a child of a RegExp namespace: the server that it is a child of. */
  readonly parent?: Server;
}
