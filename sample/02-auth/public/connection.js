import { connect } from './client.min.js';

/** Milliseconds. Long enough for the user to read the message. A real page reconnects at once. */
const PAUSE_AFTER_EXPIRY = 3_000;

/**
 * A client of one path. It sends its token with each attempt to connect, and a fresh one before the token expires.
 *
 * Events: `state` with `{ state, code, message, until }`, where `state` is `connecting`, `open`, `waiting`, `refused`
 * or `closed`; `event` with `{ event, data }`.
 */
export class Connection extends EventTarget {
  path;
  #session;
  #journal;
  #socket;
  #pause;

  constructor(path, session, journal) {
    super();
    this.path = path;
    this.#session = session;
    this.#journal = journal;
    this.#socket = connect(path, {
      autoConnect: false,
      auth: () => session.current(),
      WebSocket: journaled(journal),
    });
    this.#socket.onState((state) => state === 'connecting' && this.#emit('state', { state }));
    this.#socket.on('connect', () => {
      journal.note(101, `WebSocket ${path}`);
      this.#emit('state', { state: 'open' });
    });
    this.#socket.on('disconnect', (by, details) => by !== 'io client disconnect' && this.#lost(details));
    this.#socket.on('connect_error', (error) => void this.#failed(error));
    this.#socket.onAny((event, data) => this.#emit('event', { event, data }));
  }

  get isOpen() {
    return this.#socket.connected;
  }

  open() {
    clearTimeout(this.#pause);
    this.#socket.connect();
  }

  close() {
    clearTimeout(this.#pause);
    this.#socket.disconnect();
    this.#emit('state', { state: 'closed' });
  }

  /** Sends a request, at once or when connected again. Resolves with the response. Rejects with the server's exception. */
  request(event, data) {
    return this.#socket.emitWithAck(event, data);
  }

  /** Sends the present token on the open connection. */
  async renew() {
    if (this.#socket.connected) await this.#socket.reauthenticate();
  }

  #lost({ code, reason, willReconnect }) {
    this.#journal.note(code, `WebSocket ${this.path}`, reason);
    if (code !== 4401) return this.#emit('state', { state: willReconnect ? 'waiting' : 'closed', code });
    this.#session.end();
    this.#socket.disconnect();
    this.#pause = setTimeout(() => this.open(), PAUSE_AFTER_EXPIRY);
    this.#emit('state', { state: 'waiting', code, until: Date.now() + PAUSE_AFTER_EXPIRY });
  }

  /** Asks over HTTP whether the server refused the connection, and with what status: a browser hides that. */
  async #failed({ code, cause }) {
    const { token } = this.#session;
    this.#journal.note(code, `WebSocket ${this.path}`, 'the browser does not say why');
    this.#emit('state', { state: 'waiting', code });
    // the cause is that of the last request for a token, if it has a status
    const { status, message } =
      cause?.status === undefined
        ? await this.#session.fetchStatus(this.path, token).catch(() => ({}))
        : cause;
    if (token !== this.#session.token || this.#socket.connected) return;
    if (status === 401 && cause?.status === undefined) return this.#session.end();
    if (status !== 401 && status !== 403) return;
    this.#socket.disconnect();
    this.#emit('state', { state: 'refused', code: status, message });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Returns a WebSocket class whose messages the journal shows. */
function journaled(journal) {
  return class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      this.addEventListener('message', ({ data }) => journal.frame('←', data));
    }

    send(text) {
      journal.frame('→', text);
      super.send(text);
    }
  };
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
