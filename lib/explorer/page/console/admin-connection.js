import { subprotocols } from '../connection.js';

/** Milliseconds until a request without an answer counts as failed. */
const REQUEST_TIMEOUT = 10_000;
/** Milliseconds before the first and between later attempts to connect, at most. Each delay is up to a fifth shorter. */
const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;
/** Milliseconds to wait where the server asks for a longer delay. */
const LATER_DELAY = 5_000;
/** Refused attempts after a connection that was open, before the page asks for a sign-in: a node that starts refuses, too. */
const MAX_REFUSALS = 3;

/** A request that the server refused, or that got no answer. */
export class RequestError extends Error {
  /** @param code of the server, such as `not_found`; `undefined` without an answer */
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/**
 * The connection to the namespace of the console. It reconnects, and emits `state`. The server sends answers only.
 */
export class AdminConnection extends EventTarget {
  /**
   * - `'connecting'`: the first attempt, or one after `'waiting'`
   * - `'open'`
   * - `'waiting'`: the connection was lost, and is opened again at `retryAt`
   * - `'refused'`: the server refused the connection before it was open
   * - `'ended'`: the server closed it with a code that forbids to reconnect
   */
  state = 'connecting';
  /** When the next attempt begins, in milliseconds since 1970. */
  retryAt = 0;
  /** How the last open connection closed: `{ code, reason }`. */
  lastClose = undefined;
  #url;
  #closeCodes;
  #isReachable;
  #credentials = undefined;
  #socket = undefined;
  #requests = new Map();
  #ids = 0;
  #attempts = 0;
  #refusals = 0;
  #wasOpen = false;
  /** When the last message arrived, in milliseconds since the page was opened. */
  #heardAt = 0;
  #timer = undefined;

  /**
   * @param closeCodes rows with `code` and `reconnect`
   * @param isReachable resolves to whether the server answers over HTTP: browsers hide why a WebSocket failed
   */
  constructor(url, closeCodes, isReachable) {
    super();
    this.#url = url;
    this.#closeCodes = closeCodes;
    this.#isReachable = isReachable;
    addEventListener('online', () => this.state === 'waiting' && this.#open());
  }

  /** Connects with a token, or with the cookies of the page only. */
  signIn(token) {
    this.#credentials = token === undefined ? undefined : { token };
    this.#wasOpen = false;
    this.connect();
  }

  /** Connects at once. */
  connect() {
    this.#attempts = 0;
    this.#refusals = 0;
    this.#open();
  }

  /** Ends it, because the server has refused a request: the user must sign in again. */
  refuse() {
    const socket = this.#socket;
    this.#socket = undefined;
    socket.close(1000);
    this.#rejectAll();
    this.#setState('refused');
  }

  /**
   * Sends a request.
   *
   * @returns the data of the answer. Rejects with a RequestError if the server refuses, does not answer, or is not connected
   */
  request(event, data) {
    if (this.state !== 'open')
      return Promise.reject(new RequestError('There is no connection to the server'));
    const id = ++this.#ids;
    const sentAt = performance.now();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#requests.delete(id);
        reject(new RequestError(`The server has not answered within ${REQUEST_TIMEOUT / 1_000} seconds`));
        if (this.#heardAt < sentAt) this.#dropSilent();
      }, REQUEST_TIMEOUT);
      this.#requests.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ event, data, id }));
    });
  }

  /** Opens another connection, because this one has been silent for as long as a request waits. */
  #dropSilent() {
    const socket = this.#socket;
    this.#socket = undefined;
    socket.close();
    this.#rejectAll();
    this.#lost({ code: 1006, reason: '' });
  }

  #open() {
    clearTimeout(this.#timer);
    this.#rejectAll();
    this.#socket?.close();
    const protocols = subprotocols({ isVersioned: true, credentials: this.#credentials });
    const socket = (this.#socket = new WebSocket(this.#url, protocols));
    let wasOpen = false;
    socket.onopen = () => {
      wasOpen = this.#wasOpen = true;
      this.#attempts = this.#refusals = 0;
      this.#setState('open');
    };
    socket.onmessage = ({ data }) => this.#socket === socket && this.#receive(data);
    socket.onclose = ({ code, reason }) => {
      if (this.#socket !== socket) return;
      this.#rejectAll();
      if (wasOpen) this.#lost({ code, reason });
      else void this.#failed(socket);
    };
    this.#setState('connecting');
  }

  #receive(text) {
    this.#heardAt = performance.now();
    const { event, data, ack } = JSON.parse(text);
    const request = this.#requests.get(ack);
    if (request === undefined) return;
    this.#requests.delete(ack);
    clearTimeout(request.timer);
    if (event === 'exception') request.reject(new RequestError(messageOf(data), Object(data).code));
    else request.resolve(data);
  }

  #lost(close) {
    this.lastClose = close;
    const reconnect = this.#closeCodes.find(({ code }) => code === close.code)?.reconnect ?? 'yes';
    if (reconnect === 'no') this.#setState('ended');
    else this.#waitFor(reconnect === 'later' ? LATER_DELAY : 0);
  }

  async #failed(socket) {
    const isReachable = await this.#isReachable();
    if (this.#socket !== socket) return;
    if (isReachable && (!this.#wasOpen || ++this.#refusals >= MAX_REFUSALS)) this.#setState('refused');
    else this.#waitFor(0);
  }

  #waitFor(least) {
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#attempts++) * (1 - Math.random() / 5);
    this.retryAt = Date.now() + Math.max(least, delay);
    this.#timer = setTimeout(() => this.#open(), this.retryAt - Date.now());
    this.#setState('waiting');
  }

  #rejectAll() {
    for (const { reject, timer } of this.#requests.values()) {
      clearTimeout(timer);
      reject(new RequestError('The connection was lost'));
    }
    this.#requests.clear();
  }

  #setState(state) {
    this.state = state;
    this.dispatchEvent(new Event('state'));
  }
}

function messageOf(data) {
  const { message } = Object(data);
  if (Array.isArray(message)) return message.map(String).join(', ');
  return typeof message === 'string' ? message : 'The server refused the request';
}
