/** A WebSocket client for the envelope protocol: sends events and requests, and reconnects by itself. */

const MIN_DELAY = 500;
const MAX_DELAY = 10_000;
const TIMEOUT = 5_000;
const PING_INTERVAL = 10_000;

/**
 * Events: `state` with `{ state, code, until }`, where `state` is `connecting`, `open` or `waiting`; `event` with
 * `{ event, data }`.
 */
export class Connection extends EventTarget {
  #url;
  #socket;
  #attempts = 0;
  /** The timeout for connecting, the interval of the pings, or the delay before the next attempt. */
  #timer;
  #ids = 0;
  #pending = new Map();

  constructor(url) {
    super();
    this.#url = url;
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Connects now, without waiting for the rest of the reconnection delay. Does nothing while connected. */
  reconnect() {
    if (this.#socket !== undefined) return;
    clearTimeout(this.#timer);
    this.#emit('state', { state: 'connecting' });
    const socket = (this.#socket = new WebSocket(this.#url));
    // the process that should accept the connection may have died
    this.#timer = setTimeout(() => this.#lost(socket, 1006), TIMEOUT);
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = ({ data }) => this.#received(JSON.parse(data));
    socket.onclose = ({ code }) => this.#lost(socket, code);
  }

  /** Closes the connection, until `reconnect` is called. */
  close() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    for (const id of [...this.#pending.keys()]) this.#settle(id, new Error('The connection was lost'));
  }

  /** Sends an event. Drops it while disconnected. */
  send(event, data) {
    if (this.isOpen) this.#socket.send(JSON.stringify({ event, data }));
  }

  /**
   * Sends a request: an event with an id. Resolves with the response. Rejects with the server's exception, after a
   * timeout, or when disconnected.
   */
  request(event, data) {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new Error('Not connected'));
      const id = ++this.#ids;
      const timer = setTimeout(() => this.#settle(id, new Error('No response')), TIMEOUT);
      this.#pending.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ event, data, id }));
    });
  }

  #opened(socket) {
    clearTimeout(this.#timer);
    this.#attempts = 0;
    // a machine that loses power closes no connection: only a ping without a response shows it
    this.#timer = setInterval(
      () => void this.request('$ping').catch(() => this.#lost(socket, 1006)),
      PING_INTERVAL,
    );
    this.#emit('state', { state: 'open' });
  }

  #received({ event, data, ack }) {
    if (ack === undefined) this.#emit('event', { event, data });
    else if (event === 'exception') this.#settle(ack, new Error(describe(data)));
    else this.#settle(ack, undefined, data);
  }

  #settle(id, error, value) {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (error === undefined) pending.resolve(value);
    else pending.reject(error);
  }

  #lost(socket, code) {
    if (socket !== this.#socket) return;
    this.close();
    // doubles with each attempt, plus jitter: the clients of a restarted server do not all reconnect at once
    const longest = Math.min(MIN_DELAY * 2 ** this.#attempts++, MAX_DELAY);
    const delay = longest / 2 + (Math.random() * longest) / 2;
    this.#timer = setTimeout(() => this.reconnect(), delay);
    this.#emit('state', { state: 'waiting', code, until: Date.now() + delay });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Returns an exception's message. A failed validation has several, which are joined. */
export function describe(payload) {
  return [payload?.message ?? 'Something went wrong'].flat().join(', ');
}
