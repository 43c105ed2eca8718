import { PING_TIMEOUT } from './backoff.js';
import {
  discard,
  isTemporary,
  requestsTo,
  retryDelay,
  type HttpOptions,
  type Request,
} from './http-request.js';
import { Pause } from './pause.js';
import { readRecords } from './http-records.js';
import { headersOf, HttpSender, type Line } from './http-sender.js';
import { readMessage, type Message } from './message.js';
import { parseRetryAfter } from './retry-after.js';
import type { SocketLike, UpgradeRefusal } from './web-socket.js';

/** The global object of a page, a worker or Node. */
const page = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>;
/** The beginning of the subprotocol that carries the credentials. */
const AUTH = 'envelope.auth.';
const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3] as const;
const NORMAL = 1000;
const GOING_AWAY = 1001;
const NO_CODE = 1005;
const ABNORMAL = 1006;
/** The close codes for statuses of later requests. After others the client connects again, and then the guards decide. */
const CODES: Readonly<Record<number, number>> = { 401: 4401, 409: 1002, 413: 1009 };
/** Milliseconds for the last messages of a connection that the client closes, and for its goodbye. */
const CLOSE_TIMEOUT = 5_000;
/** Milliseconds after which the loss of a response is ordinary: some proxies limit the time of one. */
const STABLE_AFTER = 1_000;
const JSON_BODY = { 'Content-Type': 'application/json' };
/** Proxies pass server-sent events on as they arrive. */
const STREAM = { Accept: 'text/event-stream' };
/** A message without content: the client takes it for a sign of life. */
const NOTHING = '{}';

/**
 * A connection over HTTP (PROTOCOL.md, "HTTP streaming") with the members of a WebSocket: messages arrive in a response that
 * does not end, and are sent in POSTs.
 */
export class HttpSocket implements SocketLike {
  readonly transport = 'http';
  protocol = '';
  readyState: number = CONNECTING;
  refusal: UpgradeRefusal | undefined;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  readonly #line: Line;
  /** Milliseconds between two beats of the server; 0: there are none. `undefined` until `$session` has arrived. */
  #pingInterval: number | undefined;
  /** Ends the connection after a silence of the server. */
  #silence: ReturnType<typeof setTimeout> | undefined;
  /** Ends the response that is read. */
  #response = new AbortController();
  /** Responses in a row that brought nothing, and when the first of them was lost. */
  #failures = 0;
  #lostAt = 0;
  readonly #pause = new Pause();
  readonly #request: Request;
  readonly #sender: HttpSender;

  /** @param pingTimeout milliseconds for an answer, until the server says what its own is */
  constructor(url: string, protocols: readonly string[], options: HttpOptions, pingTimeout: number) {
    this.#request = requestsTo(url, options);
    this.#line = { key: undefined, received: 0, pingTimeout, maxPayload: 0 };
    this.#sender = new HttpSender(this.#request, this.#line, {
      refused: (status) => this.#refused(status),
      lost: (reason) => this.#end(ABNORMAL, reason),
    });
    void this.#live(credentialsIn(protocols));
  }

  get bufferedAmount(): number {
    return this.#sender.buffered;
  }

  send(message: string | ArrayBuffer): void {
    if (this.readyState === OPEN) this.#sender.send(message as string);
  }

  close(code: number = NORMAL, reason = ''): void {
    if (this.readyState >= CLOSING) return;
    const isOpen = this.readyState === OPEN;
    this.readyState = CLOSING;
    clearTimeout(this.#silence);
    if (!isOpen) return this.#end(ABNORMAL, '');
    void this.#sender
      .finish(CLOSE_TIMEOUT)
      // the response lasts until then, so that the server can end it
      .then(() => this.#sayGoodbye(code, reason))
      .then(() => this.#end(code, reason));
  }

  /** Reads one response after the other, until the connection ends. */
  async #live(credentials: string): Promise<void> {
    let response = await this.#open(credentials);
    while (response !== undefined) {
      const began = performance.now();
      await readRecords(response.body!, (record) => this.#take(record)).catch(() => undefined);
      if (performance.now() - began > STABLE_AFTER) this.#failures = 0;
      if (this.readyState === CONNECTING) this.#end(ABNORMAL, 'the response ended before it began');
      if (this.readyState !== OPEN) return;
      response = await this.#continue();
    }
  }

  async #open(body: string): Promise<Response | undefined> {
    const { signal } = this.#response;
    try {
      const response = await this.#request('open', { ...STREAM, ...JSON_BODY }, { body, signal });
      const { status } = response;
      if (status === 200 && response.body) return response;
      discard(response);
      if (status !== 200)
        this.refusal = { status, retryAfter: parseRetryAfter(response.headers.get('Retry-After')) };
      this.#end(ABNORMAL, status === 200 ? 'this platform cannot read a response while it arrives' : '');
    } catch (error) {
      this.#end(ABNORMAL, '', error);
    }
    return undefined;
  }

  /** Asks for the next response, until there is one or the time is up. */
  async #continue(): Promise<Response | undefined> {
    if (this.#failures === 0) this.#lostAt = performance.now();
    while (this.readyState === OPEN) {
      if (performance.now() - this.#lostAt > this.#line.pingTimeout)
        this.#end(ABNORMAL, 'the response was lost');
      else if (this.#failures++ > 0) await this.#pause.wait(retryDelay(this.#failures - 2));
      if (this.readyState !== OPEN) break;
      const response = await this.#requestNext();
      if (response?.status === 200) return response;
      if (response === undefined) continue;
      discard(response);
      if (!isTemporary(response.status)) this.#refused(response.status);
    }
    return undefined;
  }

  /** @returns `undefined` if the response did not begin in time */
  async #requestNext(): Promise<Response | undefined> {
    const abort = new AbortController();
    this.#response = abort;
    const timer = setTimeout(() => abort.abort(), this.#line.pingTimeout / 2);
    try {
      return await this.#request('on', { ...STREAM, ...headersOf(this.#line) }, { signal: abort.signal });
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  #take(record: string): void {
    if (this.readyState >= CLOSING) return;
    if (record.startsWith('[')) return this.#control(readMessage(record) as unknown as readonly unknown[]);
    // nothing comes before the key
    if (this.readyState === CONNECTING) return;
    this.#progress();
    this.#line.received++;
    if (this.#pingInterval === undefined) this.#learn(readMessage(record));
    this.onmessage?.({ data: record } as never);
  }

  #control([kind, first, second]: readonly unknown[]): void {
    if (kind === 'line') return this.#begin(first, second);
    if (this.readyState === CONNECTING) return;
    if (kind === 'beat') {
      this.#progress();
      this.onmessage?.({ data: NOTHING } as never);
      // not by a timer: those of a page in the background run once a minute
      void this.#sender.signal();
    } else if (kind === 'got') this.#sender.taken(first as number);
    else if (kind === 'close') this.#end(Number(first) || NO_CODE, String(second ?? ''));
  }

  /** The first record of a response. */
  #begin(key: unknown, before: unknown): void {
    if (this.readyState === CONNECTING) {
      this.#line.key = String(key);
      this.readyState = OPEN;
      this.protocol = 'envelope.v1';
      page.addEventListener?.('pagehide', this.#leave);
      this.onopen?.({} as never);
    } else if (before !== this.#line.received) this.#end(ABNORMAL, 'messages are missing');
  }

  #learn({ event, data }: Message): void {
    if (event !== '$session') return;
    const { pingInterval, pingTimeout, maxPayload } = Object(data) as Record<string, unknown>;
    this.#pingInterval = Number(pingInterval) || 0;
    this.#line.pingTimeout = Number(pingTimeout) || this.#line.pingTimeout;
    this.#line.maxPayload = Number(maxPayload) || 0;
    this.#progress();
  }

  /** The response brought a message or a beat. Ends the connection where no other one comes for the time of two beats. */
  #progress(): void {
    this.#failures = 0;
    clearTimeout(this.#silence);
    if (this.#pingInterval) this.#silence = setTimeout(() => this.#giveUp(), 2 * this.#pingInterval);
  }

  #giveUp(): void {
    void this.#sayGoodbye(PING_TIMEOUT);
    this.#end(ABNORMAL, 'the server is silent, or a proxy holds its response back');
  }

  /** The server refused a request of this connection. */
  #refused(status: number): void {
    this.#end(CODES[status] ?? ABNORMAL, `HTTP status ${status}`);
  }

  readonly #leave = (): void => void this.#sayGoodbye(GOING_AWAY);

  /** Tells the server that the connection is over. The request survives the page. */
  async #sayGoodbye(code: number, reason = ''): Promise<void> {
    const body = JSON.stringify({ code, reason });
    const headers = { ...headersOf(this.#line), ...JSON_BODY };
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), CLOSE_TIMEOUT);
    const { signal } = abort;
    await this.#request('close', headers, { body, signal, keepalive: true }).then(discard, () => undefined);
    clearTimeout(timer);
  }

  #end(code: number, reason: string, error?: unknown): void {
    if (this.readyState === CLOSED) return;
    const isFailure = this.readyState === CONNECTING;
    this.readyState = CLOSED;
    this.#release();
    this.#sender.stop();
    if (isFailure) this.onerror?.({ error } as never);
    this.onclose?.({ code, reason } as never);
  }

  #release(): void {
    clearTimeout(this.#silence);
    this.#response.abort();
    this.#pause.end();
    page.removeEventListener?.('pagehide', this.#leave);
  }
}

/** Returns the JSON of the credentials in a list of subprotocols. Its characters above U+007F are escaped. */
function credentialsIn([, auth = '']: readonly string[]): string {
  return atob(auth.slice(AUTH.length).replaceAll('-', '+').replaceAll('_', '/')) || '{}';
}
