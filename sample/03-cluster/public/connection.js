/** A WebSocket client for the envelope protocol: sends requests and reconnects by itself, to any worker. */

const MIN_DELAY = 250;
const MAX_DELAY = 5_000;
const TIMEOUT = 5_000;
const PING_INTERVAL = 10_000;

/**
 * Events: `state` with `{ state, code, delay }`, where `state` is `connecting`, `open` or `waiting`; `event` with `{
 * event, data }`.
 */
export class Connection extends EventTarget {
  #url;
  #socket;
  #attempts = 0;
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

  /** Opens a new connection. Closes the current one first. */
  connect() {
    this.#drop();
    this.#emit('state', { state: 'connecting' });
    const socket = (this.#socket = new WebSocket(this.#url));
    // a timeout: the worker that should accept the connection may have died
    this.#timer = setTimeout(() => this.#closed(socket, 1006), TIMEOUT);
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = ({ data }) => this.#received(JSON.parse(data));
    socket.onclose = ({ code }) => this.#closed(socket, code);
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
    // a machine that loses power closes no connection; only a ping without a response shows it
    this.#timer = setInterval(
      () => this.request('$ping').catch(() => this.#closed(socket, 1006)),
      PING_INTERVAL,
    );
    this.#emit('state', { state: 'open' });
  }

  #received({ event, data, ack }) {
    if (ack === undefined) this.#emit('event', { event, data });
    else if (event === 'exception') this.#settle(ack, new Error([data?.message].flat().join(', ')));
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

  #closed(socket, code) {
    if (socket !== this.#socket) return;
    this.#drop();
    // doubles with each attempt, plus jitter: the clients of one worker do not all reconnect at once
    const longest = Math.min(MIN_DELAY * 2 ** this.#attempts++, MAX_DELAY);
    const delay = longest / 2 + (Math.random() * longest) / 2;
    this.#timer = setTimeout(() => this.connect(), delay);
    this.#emit('state', { state: 'waiting', code, delay });
  }

  #drop() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    for (const id of [...this.#pending.keys()]) this.#settle(id, new Error('The connection was lost'));
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
