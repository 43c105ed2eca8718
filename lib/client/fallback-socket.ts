import type { CloseDetails } from './backoff.js';
import { httpFailed, preferHttp, prefersHttp, webSocketFailed, webSocketWorked } from './transport-memory.js';
import type { SocketConstructor, SocketLike, UpgradeRefusal } from './web-socket.js';

const NORMAL = 1000;
const ABNORMAL = 1006;
/**
 * Statuses of a handshake that did not reach a server of WebSockets as one: a proxy refuses it, or removes `Upgrade`, so that it is an
 * ordinary request. A path that does not exist has 404, too, also over HTTP.
 */
const BROKEN: ReadonlySet<number> = new Set([400, 404, 405, 426, 501, 502, 504]);
/** Statuses of `open` that say that the server does not offer HTTP. */
const NOT_OFFERED: ReadonlySet<number> = new Set([404, 405]);

/** How an attempt failed. */
interface Failure extends CloseDetails {
  readonly refusal?: UpgradeRefusal | undefined;
  readonly error?: unknown;
}

/** How to open connections of both kinds. */
interface Transports {
  readonly WebSocket: SocketConstructor;
  readonly openHttp: (url: string, protocols: string[]) => SocketLike;
  /** Milliseconds for the handshake of a WebSocket. */
  readonly handshakeTimeout: number;
  /** Milliseconds for which HTTP is used once it worked. */
  readonly webSocketRetryDelay: number;
}

/** A WebSocket, or a connection over HTTP where the network lets no WebSocket through. Its owner sees one connection. */
export class FallbackSocket implements SocketLike {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  #socket: SocketLike | undefined;
  /** Why no WebSocket opened. */
  #failure: Failure | undefined;
  /** Whether the failure of the WebSocket is reported in place of that of HTTP. */
  #isHttpUnknown = false;
  #isClosed = false;
  /** Notes that the open connection ended before a message of the server arrived. */
  #endedEarly: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #url: string;
  readonly #protocols: string[];
  readonly #transports: Transports;

  constructor(url: string, protocols: string[], transports: Transports) {
    this.#url = url;
    this.#protocols = protocols;
    this.#transports = transports;
    if (prefersHttp(url)) this.#openHttp();
    else this.#openWebSocket();
  }

  get transport(): string | undefined {
    return this.#socket?.transport;
  }
  get protocol(): string {
    return this.#socket?.protocol ?? '';
  }
  get readyState(): number {
    return this.#socket?.readyState ?? 0;
  }
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }
  get refusal(): UpgradeRefusal | undefined {
    return this.#isHttpUnknown ? this.#failure?.refusal : this.#socket?.refusal;
  }

  send(data: string | ArrayBuffer): void {
    this.#socket?.send(data);
  }

  close(code?: number, reason?: string): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    if (code !== NORMAL) this.#endedEarly?.();
    this.#socket?.close(code, reason);
  }

  #openWebSocket(): void {
    const { WebSocket, handshakeTimeout } = this.#transports;
    let socket: SocketLike;
    try {
      socket = new WebSocket(this.#url, this.#protocols);
    } catch (error) {
      this.#failed({ code: ABNORMAL, reason: '', error });
      return;
    }
    this.#socket = socket;
    (socket as { binaryType?: string }).binaryType = 'arraybuffer';
    let error: unknown;
    const failed = (details: CloseDetails): void => {
      socket.onopen = socket.onclose = null;
      // the error of a handshake that is ended comes later
      socket.onerror = () => undefined;
      this.#failed({ ...details, refusal: socket.refusal, error });
    };
    socket.onopen = (event: never) => {
      clearTimeout(this.#timer);
      this.#opened(socket, () => webSocketWorked(this.#url));
      // other servers are not the first to send a message
      if (socket.protocol !== '')
        this.#endedEarly = () => {
          if (webSocketFailed(this.#url)) preferHttp(this.#url, this.#transports.webSocketRetryDelay);
        };
      this.onopen?.(event);
    };
    socket.onerror = (event: { error?: unknown }) => {
      error = event.error;
      // the WebSocket of Node 20 emits no close event for a failed attempt
      failed({ code: ABNORMAL, reason: '' });
    };
    socket.onclose = failed as (event: never) => void;
    this.#timer = setTimeout(() => {
      failed({ code: ABNORMAL, reason: `no WebSocket within ${handshakeTimeout} ms` });
      socket.close();
    }, handshakeTimeout);
  }

  /** No WebSocket opened. */
  #failed(failure: Failure): void {
    clearTimeout(this.#timer);
    this.#failure = failure;
    const status = failure.refusal?.status;
    if (this.#isClosed) return;
    if (!isBroken(status)) return this.#report(failure);
    const isDue = webSocketFailed(this.#url);
    // without a status, or with 502 or 504, the server may restart; others are the answer to something that is no WebSocket
    const isCertain = status !== undefined && status < 500;
    if (isDue || isCertain) this.#openHttp();
    else this.#report(failure);
  }

  #openHttp(): void {
    const socket = this.#transports.openHttp(this.#url, this.#protocols);
    this.#socket = socket;
    let error: unknown;
    socket.onopen = (event: never) => {
      this.#endedEarly = () => httpFailed(this.#url);
      this.#opened(socket, () => {
        if (this.#failure !== undefined) preferHttp(this.#url, this.#transports.webSocketRetryDelay);
      });
      this.onopen?.(event);
    };
    socket.onerror = (event: { error?: unknown }) => (error = event.error);
    socket.onclose = (details: CloseDetails) => {
      httpFailed(this.#url);
      const status = socket.refusal?.status;
      this.#isHttpUnknown = status === undefined || NOT_OFFERED.has(status);
      // without a failure of a WebSocket, the next attempt begins with one
      const failure = { code: ABNORMAL, reason: details.reason, error, ...this.#failure };
      this.#report(this.#isHttpUnknown ? failure : details);
    };
  }

  #report(failure: Failure): void {
    this.onerror?.({ error: failure.error } as never);
    this.onclose?.(failure as never);
  }

  /** @param worked runs when the first message arrives: a proxy may open connections that carry nothing */
  #opened(socket: SocketLike, worked: () => void): void {
    socket.onmessage = (first: never) => {
      this.#endedEarly = undefined;
      worked();
      socket.onmessage = (event: never) => this.onmessage?.(event);
      this.onmessage?.(first);
    };
    socket.onerror = (event: never) => this.onerror?.(event);
    socket.onclose = (event: never) => {
      this.#endedEarly?.();
      this.onclose?.(event);
    };
  }
}

/** @param status of a handshake; below 400 for a page of the application */
function isBroken(status = 0): boolean {
  return status < 400 || BROKEN.has(status);
}
