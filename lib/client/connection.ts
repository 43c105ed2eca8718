import { delayOf, mayComeBack, SILENT, type Ending } from './backoff.js';
import { subprotocols } from './subprotocols.js';
import { ConnectError } from './errors.js';
import { isRefusal, readFrame, readHello, writeFrame, type Frame, type Hello } from './message.js';
import { Liveness } from './liveness.js';
import { onNetworkChange } from './network-change.js';
import type { Settings } from './options.js';
import { textOf, type SocketLike } from './web-socket.js';

/**
 * Where a connection stands:
 *
 * | from                     | to           | when                                                             |
 * | ------------------------ | ------------ | ---------------------------------------------------------------- |
 * | `idle`, `closed`         | `connecting` | `connect()`                                                      |
 * | `connecting`             | `open`       | the server sent `$session`, or does not speak `envelope.v1`       |
 * | `connecting`, `open`     | `waiting`    | the attempt failed, or the line was lost, and it may come back   |
 * | `connecting`, `open`     | `closed`     | the same, and it may not                                         |
 * | `waiting`                | `connecting` | the pause is over, the network is back, or `connect()`           |
 * | all but `closed`         | `closed`     | `disconnect()`                                                   |
 */
export type ConnectionState = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';

/** What has to do with it: told when it is so, and then it tells of the state itself. */
export interface ConnectionOwner {
  turned(state: ConnectionState, before: ConnectionState): void;
  opened(hello: Hello): void;
  took(frame: Frame): void;
  lost(ending: Ending, willReconnect: boolean, isGoodbye: boolean): void;
  failed(error: ConnectError): void;
}

/** Of a socket. */
const OPEN = 1;
/** Bytes that the platform may hold back before a volatile message is not worth sending. */
const CONGESTED = 64 * 1024;
const LOST = 1006;
const GOODBYE = 1000;
const OTHER_PROTOCOL: Ending = {
  code: 1002,
  reason: 'the server selected another subprotocol than envelope.v1',
};
/** No goodbye: whoever closes without a code ends its session. */
const LET_GO = SILENT;
/** Milliseconds that a line has to last to count: one that is taken and dropped at once is one more failure. */
const STEADY = 5_000;

/** The line to a server, opened anew as often as it takes. */
export class Connection {
  #current: ConnectionState = 'idle';
  #socket: SocketLike | undefined;
  /** Of the attempt, or until the next one. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Of what is under way: credentials that come for an attempt that was given up are not used. */
  #attempt = 0;
  #failures = 0;
  #openedAt = 0;
  #pings = 0;
  /** What the server said before it closed the attempt: its middlewares refused this client. */
  #refusal: unknown;
  #session: string | undefined;
  #offset: string | undefined;
  #unwatch: (() => void) | undefined;
  readonly #liveness: Liveness;
  readonly #url: string;
  readonly #settings: Settings;
  readonly #owner: ConnectionOwner;

  constructor(url: string, settings: Settings, owner: ConnectionOwner) {
    this.#url = url;
    this.#settings = settings;
    this.#owner = owner;
    const ask = (): void => void this.send(writeFrame({ event: '$ping', id: `$${++this.#pings}` }));
    const gone = (): void => this.#drop({ code: SILENT, reason: 'the server is silent' });
    this.#liveness = new Liveness(settings.pingInterval, settings.pingTimeout, ask, gone);
  }

  get state(): ConnectionState {
    return this.#current;
  }

  /** Whether what is sent now goes out at once. */
  get isFree(): boolean {
    const line = this.#writable;
    // some platforms do not count
    return line !== undefined && (line.bufferedAmount ?? 0) <= CONGESTED;
  }

  /** The open line, to compare with a later one. */
  get line(): SocketLike | undefined {
    return this.#current === 'open' ? this.#socket : undefined;
  }

  start(): void {
    if (this.#current === 'connecting' || this.#current === 'open') return;
    this.#failures = 0;
    this.#unwatch ??= onNetworkChange(
      // an attempt that was begun without it is in vain
      () => (this.#current === 'open' ? this.#liveness.probe() : this.#try()),
      () => this.#current === 'open' && this.#liveness.probe(),
    );
    this.#try();
  }

  /** Says goodbye: the session ends. */
  stop(): void {
    this.#session = undefined;
    const before = this.#current;
    if (before === 'closed') return;
    this.#release(GOODBYE);
    this.#forgetNetwork();
    this.#current = 'closed';
    if (before === 'open') this.#owner.lost({ code: GOODBYE, reason: '' }, false, true);
    else this.#owner.turned('closed', before);
  }

  /** @returns whether there was a line to send it on */
  send(text: string): boolean {
    const socket = this.#writable;
    socket?.send(text);
    return socket !== undefined;
  }

  /** The line, but for one that is being closed. */
  get #writable(): SocketLike | undefined {
    const { line } = this;
    return (line?.readyState ?? OPEN) === OPEN ? line : undefined;
  }

  #try(): void {
    const before = this.#current;
    this.#release(LET_GO);
    const attempt = this.#attempt;
    const { connectTimeout } = this.#settings;
    this.#timer = setTimeout(
      () => this.#drop({ code: LOST, reason: `no connection within ${connectTimeout} ms` }),
      connectTimeout,
    );
    this.#current = 'connecting';
    if (before !== 'connecting') this.#owner.turned('connecting', before);
    // whoever heard that may have left
    if (attempt !== this.#attempt) return;
    this.#open(attempt).catch((cause: unknown) => {
      if (attempt === this.#attempt) this.#drop({ code: LOST, reason: String(cause) }, cause);
    });
  }

  async #open(attempt: number): Promise<void> {
    const { auth, WebSocket } = this.#settings;
    const credentials = typeof auth === 'function' ? await auth() : auth;
    if (attempt !== this.#attempt) return;
    const session = this.#session;
    const offset = this.#offset;
    const known = session !== undefined && offset !== undefined ? { session, offset } : undefined;
    const socket = new WebSocket(this.#url, subprotocols(credentials, known));
    this.#socket = socket;
    socket.onopen = () => {
      const { protocol } = socket;
      // a server that does not know the protocol's version says nothing first
      if (!protocol) this.#opened({});
      // one that selects what this client did not mean speaks another protocol
      else if (protocol !== 'envelope.v1') this.#drop(OTHER_PROTOCOL);
    };
    socket.onmessage = ({ data }: { data: unknown }) => this.#take(textOf(data));
    let cause: unknown;
    // a browser's event has none
    socket.onerror = ({ error }: { error?: unknown }) => {
      cause = socket.refusal ?? error;
      // Node 20's own says no more of an attempt that has failed
      if (this.#current === 'connecting' && socket === this.#socket)
        this.#drop({ code: LOST, reason: '', ...socket.refusal }, cause);
    };
    socket.onclose = ({ code, reason }: Ending) => this.#drop({ code, reason, ...socket.refusal }, cause);
    (socket as { binaryType?: string }).binaryType = 'arraybuffer';
  }

  #take(text: string): void {
    this.#liveness.heard();
    const frame = readFrame(text);
    if (typeof frame.offset === 'string') this.#offset = frame.offset;
    if (this.#current === 'open') this.#owner.took(frame);
    else if (frame.event === '$session') this.#opened(readHello(frame.data));
    else if (isRefusal(frame)) this.#refusal = frame.data;
  }

  #opened(hello: Hello): void {
    clearTimeout(this.#timer);
    this.#openedAt = performance.now();
    this.#session = hello.session;
    this.#current = 'open';
    this.#liveness.start();
    this.#owner.opened(hello);
  }

  /** The line is gone, or the attempt failed. */
  #drop(ending: Ending, cause?: unknown): void {
    const { reconnection, reconnectionAttempts } = this.#settings;
    const wasOpen = this.#current === 'open';
    if (wasOpen && performance.now() - this.#openedAt >= STEADY) this.#failures = 0;
    const willReconnect = reconnection && mayComeBack(ending) && this.#failures < reconnectionAttempts;
    const refusal = this.#refusal;
    this.#release(LET_GO);
    if (willReconnect)
      this.#timer = setTimeout(() => this.#try(), delayOf(this.#failures++, ending, this.#settings));
    else this.#forgetNetwork();
    this.#current = willReconnect ? 'waiting' : 'closed';
    if (wasOpen) this.#owner.lost(ending, willReconnect, false);
    else this.#owner.failed(new ConnectError(ending, willReconnect, cause, refusal));
  }

  #forgetNetwork(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  /** Hears nothing more of the socket: one whose network is gone says that it has closed minutes later. */
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
