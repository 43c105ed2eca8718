import type { WebSocketOptions } from '../../server/transport/web-socket-acceptor.js';
import type { CompressionOptions } from './compression-options.js';
import { limitsOf, resolvePathLimits, type Limits, type PathLimits, type Resolved } from './limits.js';
import type { OnError } from './error-hook.js';
import type { OnceStore } from './once-store.js';
import type { RecoveryOptions } from './recovery-options.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { HistoryOption } from '../../server/rooms/history.js';
import type { AdapterFactory } from '../../server/rooms/adapter-factory.js';
import type { MessageParser } from '../../server/socket/message-router.js';
import type { Untyped } from '../../protocol/typed-events.js';
import type { Cors } from '../../server/upgrade/origin.js';
import type { Hosts } from '../../server/upgrade/own-hosts.js';
import type { FurtherEncoding } from '../../server/upgrade/further-encoding.js';
import type { Transport } from '../../server/upgrade/transport.js';
import type { AllowRequest, VerifyClient } from '../../server/upgrade/upgrade-checks.js';
import type { TrustProxy } from '../../server/upgrade/client-address.js';

/** For which messages the results of handlers are sent: see the option `replies`. */
export type Replies = 'always' | 'requests';

/** The options that a gateway may set for its path, in `@WebSocketGateway(…)`. The adapter's options are their defaults. */
export interface PathOptions {
  /** Milliseconds between two pings of a connection; 0 turns pings off. Default 25,000, as in Socket.IO. */
  pingInterval?: number;
  /** Milliseconds after a ping in which the client must send something. Default 20,000, as in Socket.IO. */
  pingTimeout?: number;
  /** Limits for each client. Each limit has a default; `false` turns it off. */
  limits?: PathLimits;
  /** The same as `limits.maxPayload`, by its name in `ws`. 0 turns the limit off. */
  maxPayload?: number;
  /** The same as `limits.maxPayload`, by its name in Socket.IO. 0 turns the limit off. */
  maxHttpBufferSize?: number;
  /**
   * Milliseconds for the connection middlewares, and again for `handleConnection`: after that the connection closes with
   * 1011. The same time is allowed for messages that wait because `limits.maxInFlight` messages are in flight and no handler
   * finishes: after that it closes with 1013. Default 45,000, as in Socket.IO.
   */
  connectTimeout?: number;
  /** Milliseconds for running handlers to finish and answer when the application closes. Default 5,000. */
  shutdownTimeout?: number;
  /**
   * Compression of messages, for clients that offer `permessage-deflate`. `true`: each message of 1,024 bytes and more is
   * compressed on its own, once for all clients. An object takes the options of `ws`, and `shared`. Default `false`: the
   * size of a compressed message can reveal a secret that stands beside text of an attacker.
   */
  perMessageDeflate?: boolean | CompressionOptions;
  /**
   * A Socket.IO adapter, which keeps the rooms and connects the nodes of a cluster. An arrow function that returns `undefined`
   * means rooms in memory. Default: rooms in memory.
   */
  adapter?: AdapterFactory;
  /**
   * Lets clients of `envelope.v1` that lost their connection resume their session: with the same id, rooms and data, and
   * with every message that was sent to them meanwhile. `true` enables it with the defaults. Default: off, as in Socket.IO.
   */
  recovery?: RecoveryOptions | boolean;
  /**
   * Stores the messages of rooms for clients that join later: `roomHistory({ rooms: { 'chat:*': { size: 200 } } })` of
   * `nestjs-envelope/history`. Default: off.
   */
  history?: HistoryOption;
  /**
   * Returns the name of a client's user: a string that no other user has, or `undefined` for no particular user. The room
   * of the user (`user(name)`), `disconnectUser(name)`, the key of presence and the right to resume a session depend on
   * it. It must be fast, and return the same string for the same user each time.
   *
   * Default: the first of `sub`, `id`, `userId`, `user_id`, `_id`, `uid`, `uuid`, `username` and `email` of the user. A
   * user without a name has no room and cannot resume a session.
   *
   * @param user the value that a guard set as `client.user`, or else as `client.data.user`, or else `undefined`
   * @param client the client, for guards that store the user elsewhere
   */
  identify?: (user: Untyped, client: EnvelopeSocket) => string | undefined;
  /** The same as `recovery`, by its name in Socket.IO. Only its field `maxDisconnectionDuration` has an effect. */
  connectionStateRecovery?: { maxDisconnectionDuration?: number };
  /**
   * The origins whose pages may connect besides the server's own origin, in the forms of Nest's `CorsOptions`. Only
   * `origin` has an effect. Default: the application's CORS rule, if it has no `'*'` and either lists origins by name or
   * sets `credentials: true`; else none. Clients without an `Origin` header are not browsers and are not checked.
   */
  cors?: Cors;
  /** Checks the upgrade request, as in Socket.IO. A refusal is 403. */
  allowRequest?: AllowRequest;
  /** Checks the upgrade request, as in `ws`. A refusal is 401 unless the function names another status. */
  verifyClient?: VerifyClient;
  /**
   * Chooses the subprotocol, as in `ws`, for an application with subprotocols besides the envelope. Returns one of the
   * offered names, or `false` for none. Default: `envelope.v1`, else `bearer` if a token follows it, else none.
   */
  handleProtocols?: WebSocketOptions['handleProtocols'];
  /**
   * For which messages a handler's result is sent: `'always'`, as with `WsAdapter`, or `'requests'`, as with `IoAdapter`,
   * where only a message with an `id` gets a result. Both send `{ event, data }`, and both send a plain boolean only as the
   * answer to a request. Default: `'always'`.
   */
  replies?: Replies;
  /** Reads messages in another format, as in `WsAdapter`. Default: the envelope. */
  messageParser?: MessageParser;
  /**
   * Makes `messageContext()` return the current message in any service. Default `false`, because an `AsyncLocalStorage`
   * around each message costs time.
   */
  messageContext?: boolean;
  /**
   * Handles the messages of each client one after the other: the next one when the promise of the last one has settled. An
   * Observable or async iterable counts as settled with its first value. `@Ordered()` does it for one handler. Default
   * `false`: the messages of a client are handled at the same time.
   */
  ordered?: boolean;
  /**
   * Where the answers of handlers with `@Once()` of `nestjs-envelope/once` are kept: `redisOnce(client)` for several nodes. Default:
   * in the memory of this node, 10,000 answers and 16 MB for each path.
   */
  onceStore?: OnceStore;
}

/**
 * Which guards run before a connection opens. `true`: the guards of the gateway's class and of its `handleConnection`.
 * `'handleConnection'`: only the guards of `handleConnection`. `'global'`: the application's global guards, and those of
 * `true`. `false`: none.
 */
export type UpgradeGuards = boolean | 'handleConnection' | 'global';

/** The default of the option `upgradeGuards`. */
export const UPGRADE_GUARDS: UpgradeGuards = true;

/** The options of `EnvelopeAdapter` and `EnvelopeModule`. Those of the adapter's constructor win, field by field. */
export interface EnvelopeOptions extends PathOptions {
  /** Limits for each client, and for all clients together. Each limit has a default; `false` turns it off. */
  limits?: Limits;
  /** Which guards run before a connection opens. Default `true`: those of the gateway's class and its `handleConnection`. */
  upgradeGuards?: UpgradeGuards;
  /**
   * The proxies in front of the server whose `X-Forwarded-For`, `-Host` and `-Proto` headers are trusted, in the forms of
   * Express and Fastify: `'loopback'`, `'10.0.0.0/8'`, a number of hops. Default: none.
   */
  trustProxy?: TrustProxy;
  /**
   * The server's hosts, as pages name them: `'chat.example'`, `'localhost:3000'`, `'*.chat.example'`. Pages on these hosts
   * may connect, and the `Host` header no longer lets a page connect, which keeps DNS rebinding out. The option `cors` lets
   * other pages connect. Default: the host in the `Host` header is the server's own.
   */
  hosts?: Hosts;
  /**
   * Further transports beside plain WebSockets: `[socketIO()]` of `nestjs-envelope/socket.io` serves the clients of
   * Socket.IO on the same gateways. Default: none.
   */
  transports?: readonly Transport[];
  /**
   * Further encodings beside JSON, which clients choose by their subprotocol: `[messagePack()]` of `nestjs-envelope/msgpack`. Clients
   * with JSON then receive bytes as base64 text. Default: none.
   */
  encodings?: readonly FurtherEncoding[];
  /**
   * Checks all that gateways send against what they declare, for development and tests: the data of each `emit`, by server, client or
   * room, against `@Emits`, and what handlers return against `@Replies`. Standard Schemas and DTO classes with class-validator are
   * checked; plain JSON Schemas and undeclared events are not. A wrong `emit` throws; a wrong answer is logged, and the client gets
   * "Internal server error". Default `false`: nothing is checked, and nothing is loaded.
   */
  validateEmits?: boolean;
  /**
   * Receives each error that the log has, and each `HttpException` with a status from 500 on, with the client and the event that it
   * belongs to: for Sentry and the like. What is a client's fault never reaches it. Unlike the log, it is called for every error. What
   * it throws is logged. Default: none.
   */
  onError?: OnError;
  /** The port for gateways that name none. Default 0: the application's HTTP server. */
  port?: number;
  /** The path for gateways that name none. Default `/`, as in `WsAdapter`. */
  path?: string;
}

/** The options of one gateway, in `@WebSocketGateway(…)`. */
export interface GatewayOptions extends PathOptions, Pick<EnvelopeOptions, 'port' | 'path'> {
  /** Appended to the path. A RegExp creates one server for each path that it matches. */
  namespace?: string | RegExp;
}

const DEFAULTS = {
  pingInterval: 25_000,
  pingTimeout: 20_000,
  connectTimeout: 45_000,
  shutdownTimeout: 5_000,
  perMessageDeflate: false,
} as const;

/** Path options with the defaults filled in. */
export type ResolvedPathOptions = Omit<PathOptions, 'limits'> & {
  -readonly [Name in keyof typeof DEFAULTS]-?: NonNullable<PathOptions[Name]>;
} & { limits: Resolved<PathLimits> };

/** Merges options. For each option, the first layer with a value other than `undefined` wins. */
export function layer<Options extends object>(...layers: readonly Options[]): Options {
  const entries = [...layers].reverse().flatMap((options) => Object.entries(options));
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Options;
}

/** Merges the options of one path, and fills in the defaults. The first layer with a value wins. */
export function resolvePathOptions(...layers: readonly PathOptions[]): ResolvedPathOptions {
  const { limits: _, ...options } = layer<PathOptions>(...layers, DEFAULTS);
  return { ...options, limits: resolvePathLimits(...layers.map(limitsOf)) } as ResolvedPathOptions;
}
