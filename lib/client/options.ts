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

export function withDefaults(options: ClientOptions, platform: SocketConstructor | undefined): Settings {
  const WebSocket = options.WebSocket ?? platform;
  if (WebSocket === undefined)
    throw new Error('there is no WebSocket on this platform: give one, connect(url, { WebSocket })');
  const settings: Settings = {
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
    ...definedOf(options),
    WebSocket,
  };
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value !== 'number') continue;
    if (!(value >= 0)) throw new Error(`${name} must not be negative: ${value}`);
    Reflect.set(settings, name, Math.min(value, MAX_DELAY));
  }
  return settings;
}

/** `{ pingInterval: undefined }` asks for the default. */
function definedOf(options: ClientOptions): ClientOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
