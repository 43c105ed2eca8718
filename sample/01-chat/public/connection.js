/** A plain WebSocket that speaks the envelope, asks and gets answers, and comes back by itself. */

const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;
const PATIENCE = 5_000;
const PING_EVERY = 15_000;

export class Connection extends EventTarget {
  #url;
  #socket;
  #ids = 0;
  #asked = new Map();
  #attempts = 0;
  #retry;
  #pings;

  constructor(url) {
    super();
    this.#url = url;
    // no use in waiting once the network is back
    addEventListener('online', () => this.reconnect());
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Opens the line now, whatever the back-off says. */
  reconnect() {
    if (this.#socket !== undefined && this.#socket.readyState <= WebSocket.OPEN) return;
    clearTimeout(this.#retry);
    this.#tell('state', { state: 'connecting' });
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#received(JSON.parse(data));
    socket.onclose = () => this.#closed(socket);
  }

  /** Sends an event; lost where the line is down. */
  send(event, data) {
    if (this.isOpen) this.#socket.send(JSON.stringify({ event, data }));
  }

  /** Sends an event with an id: resolves with the answer, rejects with what went wrong. */
  ask(event, data) {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new Error('Not connected'));
      const id = ++this.#ids;
      const timer = setTimeout(() => this.#settle(id, new Error('No answer')), PATIENCE);
      this.#asked.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ event, data, id }));
    });
  }

  #opened() {
    this.#attempts = 0;
    // a line can be dead without a close; only a question tells
    this.#pings = setInterval(() => this.ask('$ping').catch(() => this.#abandon()), PING_EVERY);
    this.#tell('state', { state: 'open' });
  }

  #received({ event, data, ack }) {
    if (ack === undefined) this.#tell('event', { event, data });
    else if (event === 'exception') this.#settle(ack, new Error(describe(data)));
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

  #abandon() {
    const socket = this.#socket;
    socket.onclose = null;
    socket.close();
    this.#closed(socket);
  }

  #closed(socket) {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    clearInterval(this.#pings);
    for (const id of [...this.#asked.keys()]) this.#settle(id, new Error('The connection was lost'));
    // doubled each time, and somewhere in the upper half of it: not all clients of a restarted server at once
    const longest = Math.min(FIRST_DELAY * 2 ** this.#attempts++, LONGEST_DELAY);
    const delay = longest / 2 + (Math.random() * longest) / 2;
    this.#retry = setTimeout(() => this.reconnect(), delay);
    this.#tell('state', { state: 'waiting', until: Date.now() + delay });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** An exception's message: a sentence, or, after a failed validation, several. */
function describe(payload) {
  return [payload?.message ?? 'Something went wrong'].flat().join(', ');
}
