/** A WebSocket client for the envelope protocol: sends its token as a subprotocol, and reconnects when it may. */

const TIMEOUT = 5_000;
const MAX_DELAY = 15_000;
/** Milliseconds. Long enough for the user to read the message. A real page reconnects at once. */
const PAUSE_AFTER_EXPIRY = 3_000;
/** PROTOCOL.md lists the codes after which a client reconnects, at once or later. It does not reconnect after 1000. */
const RECONNECT = new Set([1001, 1006, 4401]);
const RECONNECT_LATER = new Set([1011, 1013]);

/**
 * Events: `state` with `{ state, code, message, until }`, where `state` is `connecting`, `open`, `waiting`, `refused`
 * or `closed`; `event` with `{ event, data }`.
 */
export class Connection extends EventTarget {
  path;
  #session;
  #journal;
  #socket;
  #ids = 0;
  #pending = new Map();
  #attempts = 0;
  #retry;
  /** Identifies the current attempt to connect. After an `await`, another value means that the caller is outdated. */
  #attempt;

  constructor(path, session, journal) {
    super();
    this.path = path;
    this.#session = session;
    this.#journal = journal;
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  async open() {
    clearTimeout(this.#retry);
    if (this.#socket !== undefined) return;
    const attempt = (this.#attempt = {});
    this.#emit('state', { state: 'connecting' });
    try {
      const token = await this.#session.current();
      if (attempt === this.#attempt) this.#connect(token);
    } catch ({ status, message }) {
      if (attempt !== this.#attempt) return;
      if (status === undefined) this.#reconnect(1006);
      else this.#emit('state', { state: 'refused', code: status, message });
    }
  }

  #connect(token) {
    const socket = (this.#socket = connectTo(this.path, token));
    socket.onopen = () => {
      this.#attempts = 0;
      this.#journal.note(101, `WebSocket ${this.path}`);
      this.#emit('state', { state: 'open' });
    };
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code, reason }) => void this.#closed(socket, token, code, reason);
  }

  close() {
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = this.#attempt = undefined;
    socket?.close();
    this.#failAll();
    this.#emit('state', { state: 'closed' });
  }

  /**
   * Sends a request: an event with an id. Resolves with the response. Rejects with the server's exception, after a
   * timeout, or when disconnected.
   */
  request(event, data, meta) {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new Error('Not connected'));
      const id = ++this.#ids;
      const timer = setTimeout(() => this.#settle(id, new Error('No response')), TIMEOUT);
      this.#pending.set(id, { resolve, reject, timer });
      const text = JSON.stringify({ event, data, meta, id });
      this.#journal.frame('→', text);
      this.#socket.send(text);
    });
  }

  /** Renews the token of the open connection with `$auth`. */
  renew() {
    return this.isOpen ? this.request('$auth', undefined, { token: this.#session.token }) : Promise.resolve();
  }

  #received(text) {
    const { event, data, ack } = JSON.parse(text);
    this.#journal.frame('←', text);
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

  #failAll() {
    for (const id of [...this.#pending.keys()]) this.#settle(id, new Error('The connection was lost'));
  }

  async #closed(socket, token, code, reason) {
    if (socket !== this.#socket) return;
    const attempt = this.#attempt;
    this.#socket = undefined;
    this.#failAll();
    const isUnknown = code === 1006;
    this.#journal.note(code, `WebSocket ${this.path}`, isUnknown ? 'the browser does not say why' : reason);
    const answer = isUnknown ? await this.#fetchStatus(token) : undefined;
    if (attempt !== this.#attempt) return;
    if (answer?.status === 403)
      return this.#emit('state', { state: 'refused', code: 403, message: answer.message });
    if (code === 4401 || answer?.status === 401) this.#session.end();
    this.#reconnect(code, reason);
  }

  /** Asks over HTTP whether the connection was refused, and with what status, or was lost. */
  #fetchStatus(token) {
    return this.#session.fetchStatus(this.path, token).catch(() => undefined);
  }

  #reconnect(code, message) {
    const isLater = RECONNECT_LATER.has(code);
    if (!isLater && !RECONNECT.has(code)) return this.#emit('state', { state: 'closed', code, message });
    // doubles with each attempt, plus jitter: the clients of a restarted server do not all reconnect at once
    const longest = isLater ? MAX_DELAY : Math.min(1_000 * 2 ** this.#attempts++, MAX_DELAY);
    const delay = code === 4401 ? PAUSE_AFTER_EXPIRY : longest / 2 + (Math.random() * longest) / 2;
    this.#retry = setTimeout(() => void this.open(), delay);
    this.#emit('state', { state: 'waiting', code, message, until: Date.now() + delay });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Opens a WebSocket with the token in a subprotocol. A URL would end up in logs. */
export function connectTo(path, token) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  return new WebSocket(url, token === undefined ? [] : ['bearer', token]);
}

/** Tries to connect once. Resolves with the status and the reason. */
export async function tryConnect(path, token, session, journal) {
  const isOpen = await new Promise((resolve) => {
    const socket = connectTo(path, token);
    socket.onopen = () => {
      journal.note(101, `WebSocket ${path}`);
      socket.onclose = null;
      socket.close();
      resolve(true);
    };
    socket.onclose = ({ code }) => {
      journal.note(code, `WebSocket ${path}`, 'the browser does not say why');
      resolve(false);
    };
  });
  return isOpen ? { status: 101, message: 'connected' } : session.fetchStatus(path, token);
}
