import { mayReconnect, PING_TIMEOUT, reconnectDelay, type CloseDetails } from './backoff.js';
import { subprotocols } from './subprotocols.js';
import { ConnectError } from './connect-error.js';
import {
  isRefusal,
  JSON_CODEC,
  readSession,
  type Codec,
  type Encoded,
  type Message,
  type SessionInfo,
} from './message.js';
import { Liveness } from './liveness.js';
import { onNetworkChange } from './network-change.js';
import { credentialsOf, type Settings } from './options.js';
import type { SocketLike } from './web-socket.js';

/**
 * State of a connection:
 *
 * | from                     | to           | when                                                              |
 * | ------------------------ | ------------ | ----------------------------------------------------------------- |
 * | `idle`, `closed`         | `connecting` | `connect()`                                                       |
 * | `connecting`             | `open`       | the server sent `$session`, or does not speak `envelope.v1`       |
 * | `connecting`, `open`     | `waiting`    | the attempt failed or the connection ended; the client reconnects |
 * | `connecting`, `open`     | `closed`     | the same, and the client does not reconnect                       |
 * | `waiting`                | `connecting` | the delay ended, the network returned, or `connect()`             |
 * | all but `closed`         | `closed`     | `disconnect()`                                                    |
 */
export type ConnectionState = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';

/**
 * Callbacks of a connection. Each state change calls exactly one of them, after the change: `stateChanged`, or one of `opened`,
 * `lost` and `failed`, whose implementation reports the new state itself.
 */
export interface ConnectionOwner {
  stateChanged(state: ConnectionState, before: ConnectionState): void;
  opened(session: SessionInfo): void;
  received(message: Message): void;
  /** @param isLocal `stop()` ended the connection */
  lost(details: CloseDetails, willReconnect: boolean, isLocal: boolean): void;
  failed(error: ConnectError): void;
}

/** `readyState` of an open WebSocket. */
const OPEN = 1;
/** Bytes in the platform's buffer from which on volatile messages are dropped. */
const CONGESTED = 64 * 1024;
const ABNORMAL = 1006;
const NORMAL = 1000;
/** Closes a WebSocket but keeps the session on the server: code 1000, or no code, would end it. */
const KEEP_SESSION = PING_TIMEOUT;
/**
 * Milliseconds after which an open connection resets the failure count. A connection that the server accepts and drops at once
 * counts as one more failure.
 */
const STABLE_AFTER = 5_000;

/** A connection to one URL. It opens a new WebSocket after each loss, and presents its session to the server. */
export class Connection {
  #current: ConnectionState = 'idle';
  #socket: SocketLike | undefined;
  /** Ends the current attempt, or starts the next one. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Number of the current attempt. Credentials that arrive for an abandoned attempt are ignored. */
  #attempt = 0;
  #failures = 0;
  #openedAt = 0;
  #pings = 0;
  /** The exception that a connection middleware of the server sent before it closed the attempt. */
  #refusal: unknown;
  #session: string | undefined;
  /** Whether the server takes `$cancel`. */
  canCancel = false;
  #offset: string | undefined;
  #unwatchNetwork: (() => void) | undefined;
  readonly #liveness: Liveness;
  readonly #url: string;
  readonly #settings: Settings;
  readonly #owner: ConnectionOwner;

  constructor(url: string, settings: Settings, owner: ConnectionOwner) {
    this.#url = url;
    this.#settings = settings;
    this.#owner = owner;
    const ping = (): void => void this.send(this.write({ event: '$ping', id: `$${++this.#pings}` }));
    const timedOut = (): void => this.#end({ code: PING_TIMEOUT, reason: 'the server is silent' });
    this.#liveness = new Liveness(settings.pingInterval, settings.pingTimeout, ping, timedOut);
  }

  get state(): ConnectionState {
    return this.#current;
  }

  /** Whether the connection is open and its buffer holds at most 64 KiB. */
  get isFree(): boolean {
    const socket = this.#writable;
    // some platforms have no bufferedAmount
    return socket !== undefined && (socket.bufferedAmount ?? 0) <= CONGESTED;
  }

  /** Whether the connection is open, and not closing. */
  get isWritable(): boolean {
    return this.#writable !== undefined;
  }

  /** The open WebSocket. A caller compares it with a later one to detect a reconnect. */
  get openSocket(): SocketLike | undefined {
    return this.#current === 'open' ? this.#socket : undefined;
  }

  /** What carries the messages of the open connection. */
  get transport(): string | undefined {
    const { openSocket } = this;
    return openSocket && (openSocket.transport ?? 'websocket');
  }

  /** Connects, or ends the delay before the next attempt. Does nothing while connecting or open. */
  start(): void {
    if (this.#current === 'connecting' || this.#current === 'open') return;
    this.#failures = 0;
    this.#unwatchNetwork ??= onNetworkChange(
      // an attempt that began without a network fails, so start a new one
      () => (this.#current === 'open' ? this.#liveness.probe() : this.#connect()),
      () => this.#current === 'open' && this.#liveness.probe(),
    );
    this.#connect();
  }

  /** Closes with 1000, which ends the session on the server, and does not reconnect. */
  stop(): void {
    this.#session = undefined;
    const before = this.#current;
    if (before === 'closed') return;
    this.#release(NORMAL);
    this.#ignoreNetwork();
    this.#current = 'closed';
    if (before === 'open') this.#owner.lost({ code: NORMAL, reason: '' }, false, true);
    else this.#owner.stateChanged('closed', before);
  }

  /** Does not resume the session on the next connection. */
  forgetSession(): void {
    this.#session = undefined;
  }

  /** @throws TypeError that names the event and the place in the data, if it cannot be carried */
  get write(): Codec['write'] {
    return this.#settings.codec.write;
  }

  /** @returns whether the connection was open */
  send(message: Encoded): boolean {
    const socket = this.#writable;
    socket?.send(message);
    return socket !== undefined;
  }

  /** The open WebSocket, unless it is closing. */
  get #writable(): SocketLike | undefined {
    const { openSocket } = this;
    return (openSocket?.readyState ?? OPEN) === OPEN ? openSocket : undefined;
  }

  #connect(): void {
    const before = this.#current;
    this.#release(KEEP_SESSION);
    const attempt = this.#attempt;
    const { connectTimeout } = this.#settings;
    this.#timer = setTimeout(
      () => this.#end({ code: ABNORMAL, reason: `no connection within ${connectTimeout} ms` }),
      connectTimeout,
    );
    this.#current = 'connecting';
    if (before !== 'connecting') this.#owner.stateChanged('connecting', before);
    // a listener may have disconnected
    if (attempt !== this.#attempt) return;
    this.#open(attempt).catch((cause: unknown) => {
      if (attempt === this.#attempt) this.#end({ code: ABNORMAL, reason: String(cause) }, cause);
    });
  }

  async #open(attempt: number): Promise<void> {
    const { WebSocket, codec } = this.#settings;
    const credentials = await credentialsOf(this.#settings);
    if (attempt !== this.#attempt) return;
    const session = this.#session;
    const offset = this.#offset;
    const known = session !== undefined && offset !== undefined ? { session, offset } : undefined;
    const socket = new WebSocket(this.#url, subprotocols(codec.protocol, credentials, known));
    this.#socket = socket;
    socket.onopen = () => {
      const { protocol } = socket;
      // a server without envelope.v1 sends no $session, so the connection is open now
      if (!protocol && codec === JSON_CODEC) this.#opened({});
      else if (protocol !== codec.protocol)
        this.#end({ code: 1002, reason: `the server selected another subprotocol than ${codec.protocol}` });
    };
    socket.onmessage = ({ data }: { data: unknown }) => this.#receive(codec.read(data));
    let cause: unknown;
    // the event of a browser has no error
    socket.onerror = ({ error }: { error?: unknown }) => {
      cause = socket.refusal ?? error;
      // the WebSocket of Node 20 emits no close event for a failed attempt
      if (this.#current === 'connecting' && socket === this.#socket)
        this.#end({ code: ABNORMAL, reason: '', ...socket.refusal }, cause);
    };
    socket.onclose = ({ code, reason }: CloseDetails) =>
      this.#end({ code, reason, ...socket.refusal }, cause);
    (socket as { binaryType?: string }).binaryType = 'arraybuffer';
  }

  #receive(message: Message): void {
    this.#liveness.received();
    if (typeof message.offset === 'string') this.#offset = message.offset;
    if (this.#current === 'open') this.#owner.received(message);
    else if (message.event === '$session') this.#opened(readSession(message.data));
    else if (isRefusal(message)) this.#refusal = message.data;
  }

  #opened(session: SessionInfo): void {
    clearTimeout(this.#timer);
    this.#openedAt = performance.now();
    this.#session = session.session;
    this.canCancel = session.features?.includes('cancel') === true;
    this.#current = 'open';
    this.#liveness.start();
    this.#owner.opened(session);
  }

  /** Ends the connection or the attempt, and schedules the next attempt if the client reconnects. */
  #end(details: CloseDetails, cause?: unknown): void {
    const { reconnection, reconnectionAttempts } = this.#settings;
    const wasOpen = this.#current === 'open';
    if (wasOpen && performance.now() - this.#openedAt >= STABLE_AFTER) this.#failures = 0;
    const willReconnect = reconnection && mayReconnect(details) && this.#failures < reconnectionAttempts;
    const refusal = this.#refusal;
    this.#release(KEEP_SESSION);
    if (willReconnect)
      this.#timer = setTimeout(
        () => this.#connect(),
        reconnectDelay(this.#failures++, details, this.#settings),
      );
    else this.#ignoreNetwork();
    this.#current = willReconnect ? 'waiting' : 'closed';
    if (wasOpen) this.#owner.lost(details, willReconnect, false);
    else this.#owner.failed(new ConnectError(details, willReconnect, cause, refusal));
  }

  #ignoreNetwork(): void {
    this.#unwatchNetwork?.();
    this.#unwatchNetwork = undefined;
  }

  /** Closes the WebSocket and removes its listeners: without a network its close event would arrive minutes later. */
  #release(code: number): void {
    const socket = this.#socket;
    this.#attempt++;
    clearTimeout(this.#timer);
    this.#liveness.stop();
    this.#refusal = undefined;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }
}
