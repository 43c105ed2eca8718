import { MAX_DELAY } from '../protocol/max-delay.js';
import { invalidArgument, withCode } from '../protocol/with-code.js';
import { JSON_CODEC, type Codec } from './message.js';
import type { SocketConstructor, Transport } from './web-socket.js';

/** Credentials of a client: a token, or any object that the server's guards read. */
export type Credentials = string | Readonly<Record<string, unknown>>;

/** Options of `connect`. All times are in milliseconds, up to 2,147,483,647 (about 24 days), to which longer ones are cut. */
export interface ClientOptions {
  /**
   * Credentials, which the server's guards read from `handshake.auth`. A string stands for `{ token }`, which guards also see as
   * the header `Authorization: Bearer`. A function is called before every attempt, and before the credentials of an open connection
   * expire, so that it can return a fresh token. Default: no credentials.
   */
  auth?: Credentials | undefined | (() => Credentials | undefined | Promise<Credentials | undefined>);
  /** Connects immediately. If `false`, call `socket.connect()`. Default: `true`. */
  autoConnect?: boolean;
  /** Reconnects when the connection is lost. Default: `true`. */
  reconnection?: boolean;
  /** Number of failed attempts in a row after which the client gives up. Default: `Infinity`. */
  reconnectionAttempts?: number;
  /** Upper bound of the first delay. It doubles with each attempt; the actual delay is a random part of it. Default: 1,000. */
  reconnectionDelay?: number;
  /** Upper bound of every delay. Default: 30,000. */
  reconnectionDelayMax?: number;
  /** Timeout of one attempt: getting the credentials, opening, and the server's first message. Default: 20,000. */
  connectTimeout?: number;
  /** Time without a message of the server after which the client sends a `$ping`. 0: never. Default: 25,000. */
  pingInterval?: number;
  /** Timeout of the answer to that `$ping`; then the client reconnects. Default: 20,000. */
  pingTimeout?: number;
  /** Timeout of `emitWithAck`, including the time in the queue. `timeout()` overrides it for one request. Default: 30,000. */
  ackTimeout?: number;
  /** Number of messages that are queued while the client is not connected; further ones are dropped. Default: 1,000. */
  maxQueued?: number;
  /** Number of subscriptions with different events or data that the client holds at the same time. Default: 1,000. */
  maxSubscriptions?: number;
  /** How messages look: `messagePack()` of `nestjs-envelope/client/msgpack`. Default: JSON. */
  codec?: Codec;
  /**
   * What carries the messages, in the order of the attempts: `['websocket', http()]` with `http` of `nestjs-envelope/client/http`, for
   * networks that break WebSockets. Default: `['websocket']`.
   */
  transports?: readonly ('websocket' | Transport)[];
  /** A WebSocket class to use in place of the platform's. */
  WebSocket?: SocketConstructor;
}

/** The options with all defaults filled in. */
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
  maxSubscriptions: 1_000,
  codec: JSON_CODEC,
  transports: ['websocket'],
};

/** Returns the credentials to send now: fresh ones if `auth` is a function. */
export async function credentialsOf({ auth }: Settings): Promise<Credentials | undefined> {
  return typeof auth === 'function' ? auth() : auth;
}

/** The accepted `typeof` results of each option. */
const KINDS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(DEFAULTS).map(([name, value]) => [name, typeof value])),
  auth: 'string, object or function',
  WebSocket: 'function',
};

/**
 * Checks the options of a client and fills in the defaults.
 *
 * @param caller the function or class that received the options, for the error
 * @throws TypeError if an option is unknown or has the wrong type
 */
export function withDefaults(
  options: ClientOptions,
  platform: SocketConstructor | undefined,
  caller = 'connect',
): Settings {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalidArgument(`${caller}: options is ${String(options)}: it takes an object, { auth: token }`);
  const settings: Record<string, unknown> = { ...DEFAULTS, WebSocket: platform };
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    // { pingInterval: undefined } selects the default
    if (value === undefined) continue;
    const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
    if (kind === undefined)
      throw withCode(
        'ERR_ENVELOPE_INVALID_OPTION',
        new TypeError(`${caller}: unknown option "${name}". Valid names: ${Object.keys(KINDS).join(', ')}`),
      );
    const isNumber = typeof value === 'number';
    if (!kind.includes(typeof value) || value === null || (isNumber && !(value >= 0)))
      throw withCode(
        'ERR_ENVELOPE_INVALID_OPTION',
        new TypeError(
          `${caller}: ${name} is ${String(value)}: it takes a ${kind === 'number' ? 'number from 0 on' : kind}`,
        ),
      );
    settings[name] = isNumber ? Math.min(value, MAX_DELAY) : value;
  }
  return settings as unknown as Settings;
}
