import type { ServerOptions } from 'ws';
import { limitsOf, resolvePathLimits, type Limits, type PathLimits, type Resolved } from './limits.js';
import type { RecoveryOptions } from './recovery-options.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { AdapterFactory } from '../../server/rooms/adapter-factory.js';
import type { MessageParser } from '../../server/socket/message-router.js';
import type { Untyped } from '../../protocol/typed-events.js';
import type { Cors } from '../../server/upgrade/origin.js';
import type { Hosts } from '../../server/upgrade/own-hosts.js';
import type { AllowRequest, VerifyClient } from '../../server/upgrade/upgrade-checks.js';
import type { TrustProxy } from '../../server/upgrade/client-address.js';

/** For which messages results are sent: see the option `replies`. */
export type Replies = 'always' | 'requests';

/** What a gateway may set for its path, in `@WebSocketGateway(…)`; the adapter's options are the defaults. */
export interface PathOptions {
  /** Milliseconds between two pings of a connection; 0: none are sent. Default 25,000, as in Socket.IO. */
  pingInterval?: number;
  /** Milliseconds after a ping within which a sign of life must come. Default 20,000, as in Socket.IO. */
  pingTimeout?: number;
  /** What clients may do. Each limit has a default; `false` turns it off. */
  limits?: PathLimits;
  /** `ws`'s name for `limits.maxPayload`. */
  maxPayload?: number;
  /** Socket.IO's name for `limits.maxPayload`. */
  maxHttpBufferSize?: number;
  /**
   * Milliseconds that connection middlewares and `handleConnection` may take, and that messages may wait for others in
   * flight of which none comes to an end: then the connection closes with 1013. Default 45,000, as in Socket.IO.
   */
  connectTimeout?: number;
  /** Milliseconds that handlers at work may take to answer when the application closes. Default 5,000. */
  shutdownTimeout?: number;
  /** `ws`'s option. Default `false`: compression costs memory for each connection. */
  perMessageDeflate?: ServerOptions['perMessageDeflate'];
  /** Rooms and cluster: an adapter of Socket.IO's contract. Default: in memory. */
  adapter?: AdapterFactory;
  /**
   * Lets clients of `envelope.v1` that lost their connection come back to it: with its id, rooms and data, and with
   * all that was sent to them meanwhile. `true`: with the defaults. Default: off, as in Socket.IO.
   */
  recovery?: RecoveryOptions | boolean;
  /**
   * Names the user of a client: returns a text that tells the user from every other one, or `undefined` for nobody in
   * particular. The room of the user (`user(name)`), `disconnectUser(name)`, the key of presence and the right to come
   * back to a session depend on it. Must be quick and return the same text for the same user each time.
   *
   * Default: the first of `sub`, `id`, `userId`, `user_id`, `_id`, `uid`, `uuid`, `username` and `email` of the user. A user
   * without a name is in no room of a user and cannot come back to its session.
   *
   * @param user what a guard put into `client.user`, else into `client.data.user`, else `undefined`
   * @param client the client, for guards that put the user elsewhere
   */
  identify?: (user: Untyped, client: EnvelopeSocket) => string | undefined;
  /** Socket.IO's name for `recovery`; of its fields only `maxDisconnectionDuration` counts. */
  connectionStateRecovery?: { maxDisconnectionDuration?: number };
  /**
   * Which pages may connect, in the forms of Nest's `CorsOptions`; only `origin` counts. Default: those of the
   * server's own origin. Clients that name no origin, which are no browsers, are not concerned.
   */
  cors?: Cors;
  /** Socket.IO's check of the upgrade request; a refusal is 403. */
  allowRequest?: AllowRequest;
  /** `ws`'s check of the upgrade request; a refusal is 401 unless it says otherwise. */
  verifyClient?: VerifyClient;
  /**
   * `ws`'s choice of the subprotocol, for names of the application's own. It returns one of the offered names, or
   * `false` for none. Default: `envelope.v1`, else `bearer` where a token follows it, else none.
   */
  handleProtocols?: ServerOptions['handleProtocols'];
  /**
   * Which messages a handler's result is sent for: `'always'`, as with `WsAdapter`, or `'requests'`, as with `IoAdapter`, where a
   * message without an `id` gets nothing. `{ event, data }` is sent in both, and a plain boolean only as the answer to a request.
   * Default: `'always'`.
   */
  replies?: Replies;
  /** `WsAdapter`'s option: reads messages in a format of your own. Default: the envelope. */
  messageParser?: MessageParser;
  /**
   * Lets any service ask for the message that it works for, with `messageContext()`. Default `false`: an
   * `AsyncLocalStorage` around each message costs time.
   */
  messageContext?: boolean;
}

/**
 * Which guards run before a connection is open: those of the gateway's class and of its `handleConnection` (`true`),
 * those of `handleConnection` alone, the application's global ones as well (`'global'`), or none (`false`).
 */
export type UpgradeGuards = boolean | 'handleConnection' | 'global';

/** The default of the option `upgradeGuards`. */
export const UPGRADE_GUARDS: UpgradeGuards = true;

/** The options of `EnvelopeAdapter` and `EnvelopeModule`; those of the adapter's constructor win, field by field. */
export interface EnvelopeOptions extends PathOptions {
  /** What clients may do, on each path and all together. Each limit has a default; `false` turns it off. */
  limits?: Limits;
  /** Which guards run before a connection is open. Default: all that `@UseGuards` puts on gateways. */
  upgradeGuards?: UpgradeGuards;
  /**
   * Which proxies in front of the server are believed when they say who asks (`X-Forwarded-For`, `-Host`, `-Proto`),
   * in the forms of Express and Fastify: `'loopback'`, `'10.0.0.0/8'`, a number of hops. Default: none.
   */
  trustProxy?: TrustProxy;
  /**
   * The hosts that are this server's own, as pages name them: `'chat.example'`, `'localhost:3000'`, `'*.chat.example'`.
   * Pages on them may connect, and no page may because its origin is the `Host` that it asked for: that keeps DNS
   * rebinding out. Other pages are let in by `cors`. Default: the `Host` header says which host is the server's own.
   */
  hosts?: Hosts;
  /** Where gateways that name no port listen. Default 0: on the application's own HTTP server. */
  port?: number;
  /** The path of gateways that name none. Default `/`, as in `WsAdapter`. */
  path?: string;
}

/** What `@WebSocketGateway(…)` may say about a gateway. */
export interface GatewayOptions extends PathOptions, Pick<EnvelopeOptions, 'port' | 'path'> {
  /** Appended to the path; a RegExp makes a server for each path that matches. */
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

/** The first layer that names an option wins; `undefined` names nothing. */
export function layer<Options extends object>(...layers: readonly Options[]): Options {
  const entries = [...layers].reverse().flatMap((options) => Object.entries(options));
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Options;
}

export function resolvePathOptions(...layers: readonly PathOptions[]): ResolvedPathOptions {
  const { limits: _, ...options } = layer<PathOptions>(...layers, DEFAULTS);
  return { ...options, limits: resolvePathLimits(...layers.map(limitsOf)) } as ResolvedPathOptions;
}
