/** A plain WebSocket that speaks the envelope, with a token in the subprotocol, and comes back when it may. */

const PATIENCE = 5_000;
const LONGEST_DELAY = 15_000;
/** Long enough to be seen. A real page would be back at once. */
const PAUSE_AFTER_EXPIRY = 3_000;
/** PROTOCOL.md tells after which codes to come back, and after which of them later; not after a goodbye. */
const COME_BACK = new Set([1001, 1006, 4401]);
const COME_BACK_LATER = new Set([1011, 1013]);

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
  #asked = new Map();
  #attempts = 0;
  #retry;
  /** Changes when the line is opened or closed by hand: what is awaited meanwhile has had its turn. */
  #turn;

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
    const turn = (this.#turn = {});
    this.#tell('state', { state: 'connecting' });
    try {
      const token = await this.#session.current();
      if (turn === this.#turn) this.#connect(token);
    } catch ({ status, message }) {
      if (turn !== this.#turn) return;
      if (status === undefined) this.#comeBack(1006);
      else this.#tell('state', { state: 'refused', code: status, message });
    }
  }

  #connect(token) {
    const socket = (this.#socket = connectTo(this.path, token));
    socket.onopen = () => {
      this.#attempts = 0;
      this.#journal.note(101, `WebSocket ${this.path}`);
      this.#tell('state', { state: 'open' });
    };
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code, reason }) => void this.#closed(socket, token, code, reason);
  }

  close() {
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = this.#turn = undefined;
    socket?.close();
    this.#failAll();
    this.#tell('state', { state: 'closed' });
  }

  /** Sends an event with an id: resolves with the answer, rejects with what went wrong. */
  ask(event, data, meta) {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new Error('Not connected'));
      const id = ++this.#ids;
      const timer = setTimeout(() => this.#settle(id, new Error('No answer')), PATIENCE);
      this.#asked.set(id, { resolve, reject, timer });
      const text = JSON.stringify({ event, data, meta, id });
      this.#journal.frame('→', text);
      this.#socket.send(text);
    });
  }

  /** The connection goes on, with a fresh token. */
  renew() {
    return this.isOpen ? this.ask('$auth', undefined, { token: this.#session.token }) : Promise.resolve();
  }

  #received(text) {
    const { event, data, ack } = JSON.parse(text);
    this.#journal.frame('←', text);
    if (ack === undefined) this.#tell('event', { event, data });
    else if (event === 'exception') this.#settle(ack, new Error([data?.message].flat().join(', ')));
    else this.#settle(ack, undefined, data);
  }

  #settle(id, error, value) {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    clearTimeout(asked.timer);
    if (error === undefined) asked.resolve(value);
    else asked.reject(error);
  }

  #failAll() {
    for (const id of [...this.#asked.keys()]) this.#settle(id, new Error('The connection was lost'));
  }

  async #closed(socket, token, code, reason) {
    if (socket !== this.#socket) return;
    const turn = this.#turn;
    this.#socket = undefined;
    this.#failAll();
    const isUnknown = code === 1006;
    this.#journal.note(code, `WebSocket ${this.path}`, isUnknown ? 'the browser does not say why' : reason);
    const door = isUnknown ? await this.#askTheDoor(token) : undefined;
    if (turn !== this.#turn) return;
    if (door?.status === 403)
      return this.#tell('state', { state: 'refused', code: 403, message: door.message });
    if (code === 4401 || door?.status === 401) this.#session.end();
    this.#comeBack(code, reason);
  }

  /** Broken, or refused: with what status is asked over HTTP. */
  #askTheDoor(token) {
    return this.#session.askTheDoor(this.path, token).catch(() => undefined);
  }

  #comeBack(code, message) {
    const isLater = COME_BACK_LATER.has(code);
    if (!isLater && !COME_BACK.has(code)) return this.#tell('state', { state: 'closed', code, message });
    // doubled each time, and somewhere in the upper half of it: not all clients of a restarted server at once
    const longest = isLater ? LONGEST_DELAY : Math.min(1_000 * 2 ** this.#attempts++, LONGEST_DELAY);
    const delay = code === 4401 ? PAUSE_AFTER_EXPIRY : longest / 2 + (Math.random() * longest) / 2;
    this.#retry = setTimeout(() => void this.open(), delay);
    this.#tell('state', { state: 'waiting', code, message, until: Date.now() + delay });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Opens a line with a token in the subprotocol: never in the URL, which ends up in logs. */
export function connectTo(path, token) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  return new WebSocket(url, token === undefined ? [] : ['bearer', token]);
}

/** Tries a door once: resolves with what the page can find out. */
export async function knock(path, token, session, journal) {
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
  return isOpen ? { status: 101, message: 'let in' } : session.askTheDoor(path, token);
}
