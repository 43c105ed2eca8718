import type { ServerOptions } from 'engine.io';
import { isRecordLike } from '../protocol/refuse.js';
import { checkTransportOptions, type TransportOptionRule } from '../server/upgrade/transport-options.js';

/** The transports of Engine.IO that are supported. */
export type EngineTransport = 'polling' | 'websocket';

/** The options of {@link socketIO}. Those that are not here are the adapter's: limits, `cors`, `pingInterval`, and so on. */
export interface SocketIOOptions {
  /** The path of Socket.IO's requests, as clients set it. It is no namespace. Default `/socket.io`. */
  path?: string;
  /**
   * The transports that clients may use. Default `['polling', 'websocket']`. With several nodes, polling needs sticky
   * sessions: all requests of one client must reach the same node. `['websocket']` needs none.
   */
  transports?: readonly EngineTransport[];
  /** Whether clients may change from polling to websocket. Default `true`. */
  allowUpgrades?: boolean;
  /** Milliseconds for such a change. Default 10,000. */
  upgradeTimeout?: number;
  /** Compression of polling responses, as in Engine.IO. Default `false`: it costs CPU time, and helps attacks like BREACH. */
  httpCompression?: ServerOptions['httpCompression'];
  /** Compression of WebSocket messages, as in Engine.IO. Default `false`. Compressed connections are slower. */
  perMessageDeflate?: ServerOptions['perMessageDeflate'];
  /** A cookie for load balancers that need one for sticky sessions, as in Engine.IO. It grants nothing. Default: none. */
  cookie?: ServerOptions['cookie'];
  /** Namespaces of one connection, those that are being joined included. Default 32. */
  maxNamespaces?: number;
  /** Binary attachments of one packet. Default 10, as in `socket.io-parser`. */
  maxAttachments?: number;
}

/** Options with their defaults. */
export type ResolvedSocketIOOptions = SocketIOOptions &
  Required<
    Pick<
      SocketIOOptions,
      'path' | 'transports' | 'allowUpgrades' | 'upgradeTimeout' | 'maxNamespaces' | 'maxAttachments'
    >
  >;

const DEFAULTS = {
  path: '/socket.io',
  transports: ['polling', 'websocket'],
  allowUpgrades: true,
  upgradeTimeout: 10_000,
  httpCompression: false,
  perMessageDeflate: false,
  maxNamespaces: 32,
  maxAttachments: 10,
} as const;

const count: TransportOptionRule = {
  takes: 'a positive whole number',
  accepts: (value) => Number.isSafeInteger(value) && (value as number) > 0,
};
const onOrOff: TransportOptionRule = {
  takes: 'true or false',
  accepts: (value) => typeof value === 'boolean',
};
const compression: TransportOptionRule = {
  takes: "true, false, or an object of Engine.IO's options",
  accepts: (value) => typeof value === 'boolean' || isRecordLike(value),
};

const RULES: Readonly<Record<keyof SocketIOOptions, TransportOptionRule>> = {
  path: {
    takes: "a path, such as '/socket.io'",
    accepts: (value) => typeof value === 'string' && /^\/[^?#]+$/.test(value),
  },
  transports: {
    takes: "a list of 'polling' and 'websocket'",
    accepts: (value) =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.every((name) => name === 'polling' || name === 'websocket'),
  },
  allowUpgrades: onOrOff,
  upgradeTimeout: {
    takes: 'milliseconds, a positive number such as 10_000',
    accepts: (value) => typeof value === 'number' && value > 0,
  },
  httpCompression: compression,
  perMessageDeflate: compression,
  cookie: {
    takes: "true, false, or an object such as { name: 'io', httpOnly: true }",
    accepts: (value) => typeof value === 'boolean' || isRecordLike(value),
  },
  maxNamespaces: count,
  maxAttachments: count,
};

/** Options of Socket.IO that the adapter has, with their place there. */
const OF_ADAPTER = new Set([
  'cors',
  'pingInterval',
  'pingTimeout',
  'maxHttpBufferSize',
  'connectTimeout',
  'allowRequest',
  'adapter',
  'connectionStateRecovery',
]);

/**
 * Checks the options, and fills in the defaults.
 *
 * @throws TypeError that names the option, its value and what it takes, or the nearest name for an unknown option
 */
export function resolveOptions(options: SocketIOOptions): ResolvedSocketIOOptions {
  return {
    ...DEFAULTS,
    ...checkTransportOptions(options, {
      where: 'socketIO',
      example: "{ path: '/socket.io' }",
      rules: RULES,
      ofAdapter: OF_ADAPTER,
    }),
  };
}
