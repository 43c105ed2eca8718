import { MAX_DELAY } from '../protocol/max-delay.js';
import type { SocketConstructor } from './web-socket.js';

/** What a client presents itself with: a token, or whatever object the server's guards look at. */
export type Credentials = string | Readonly<Record<string, unknown>>;

/** Options of `connect`. Times are milliseconds. */
export interface ClientOptions {
  /**
   * What the server's guards see as `handshake.auth`; a text is `{ token }`, which they see as `Authorization: Bearer`, too.
   * A function is asked before every attempt, so that its answer is fresh. Default: nothing.
   */
  auth?: Credentials | undefined | (() => Credentials | undefined | Promise<Credentials | undefined>);
  /** Connect at once; otherwise with `socket.connect()`. Default: true. */
  autoConnect?: boolean;
  /** Come back when the line was lost. Default: true. */
  reconnection?: boolean;
  /** Attempts in a row before the client gives up. Default: no end. */
  reconnectionAttempts?: number;
  /** The longest first pause; it doubles with each attempt, and the real one is anything below, by chance. Default: 1,000. */
  reconnectionDelay?: number;
  /** Where the doubling ends. Default: 30,000. */
  reconnectionDelayMax?: number;
  /** For one attempt: credentials, the opening, and the server's first message. Default: 20,000. */
  connectTimeout?: number;
  /** Silence after which the server is asked whether it lives; 0: never. Default: 25,000. */
  pingInterval?: number;
  /** For its answer. Default: 20,000. */
  pingTimeout?: number;
  /** For answers to `emitWithAck` where `timeout()` says nothing else; queueing counts. Default: 30,000. */
  ackTimeout?: number;
  /** Messages that may wait while there is no line. Default: 1,000. */
  maxQueued?: number;
  /** A WebSocket other than the platform's. */
  WebSocket?: SocketConstructor;
}

/** The same with everything said. */
export type Settings = Required<Omit<ClientOptions, 'auth'>> & Pick<ClientOptions, 'auth'>;

const DEFAULTS: Omit<Settings, 'auth' | 'WebSocket'> = {
  autoConnect: true,
  reconnection: true,
  reconnectionAttempts: Infinity,
  reconnectionDelay: 1_000,
  reconnectionDelayMax: 30_000,
  connectTimeout: 20_000,
  pingInterval: 25_000,
  pingTimeout: 20_000,
  ackTimeout: 30_000,
  maxQueued: 1_000,
};

/** What each option may be, by `typeof`. */
const KINDS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(DEFAULTS).map(([name, value]) => [name, typeof value])),
  auth: 'string, object or function',
  WebSocket: 'function',
};

/**
 * @param caller the function or class that was given the options, for the error
 * @throws TypeError on an option that is unknown or of another type, Error where the platform has no WebSocket
 */
export function withDefaults(
  options: ClientOptions,
  platform: SocketConstructor | undefined,
  caller = 'connect',
): Settings {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(`${caller}: options is ${String(options)}: it takes an object, { auth: token }`);
  // { pingInterval: undefined } asks for the default
  const given = Object.entries(options).filter(([, value]) => value !== undefined) as [string, unknown][];
  for (const [name, value] of given) {
    const kind = Object.hasOwn(KINDS, name) ? KINDS[name]! : '';
    if (kind === '')
      throw new TypeError(
        `${caller}: unknown option "${name}". Valid names: ${Object.keys(KINDS).join(', ')}`,
      );
    const isGood = kind.includes(typeof value) && value !== null && (typeof value !== 'number' || value >= 0);
    if (!isGood)
      throw new TypeError(
        `${caller}: ${name} is ${String(value)}: it takes a ${kind === 'number' ? 'number from 0 on' : kind}`,
      );
  }
  const WebSocket = options.WebSocket ?? platform;
  if (WebSocket === undefined)
    throw new Error(
      `${caller}: there is no WebSocket on this platform: give one, connect(url, { WebSocket })`,
    );
  const settings: Settings = { ...DEFAULTS, ...Object.fromEntries(given), WebSocket };
  for (const [name, value] of Object.entries(settings))
    if (typeof value === 'number') Reflect.set(settings, name, Math.min(value, MAX_DELAY));
  return settings;
}
