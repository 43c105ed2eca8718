/** A plain WebSocket that speaks the envelope, asks and gets answers, and comes back by itself, to any worker. */

const FIRST_DELAY = 250;
const LONGEST_DELAY = 5_000;
const PATIENCE = 5_000;
const PING_EVERY = 10_000;

/** Events: `state` with `{ state, code, delay }`, where `state` is `connecting`, `open` or `waiting`; `event` with `{ event, data }`. */
export class Connection extends EventTarget {
  #url;
  #socket;
  #attempts = 0;
  #timer;
  #ids = 0;
  #asked = new Map();

  constructor(url) {
    super();
    this.#url = url;
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Opens a new line, in the place of the one that there is. */
  connect() {
    this.#drop();
    this.#tell('state', { state: 'connecting' });
    const socket = (this.#socket = new WebSocket(this.#url));
    // nobody takes the line: the worker that was to have it may have died
    this.#timer = setTimeout(() => this.#closed(socket, 1006), PATIENCE);
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = ({ data }) => this.#received(JSON.parse(data));
    socket.onclose = ({ code }) => this.#closed(socket, code);
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

  #opened(socket) {
    clearTimeout(this.#timer);
    this.#attempts = 0;
    // a machine that lost its power closes nothing; only a question tells
    this.#timer = setInterval(() => this.ask('$ping').catch(() => this.#closed(socket, 1006)), PING_EVERY);
    this.#tell('state', { state: 'open' });
  }

  #received({ event, data, ack }) {
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

  #closed(socket, code) {
    if (socket !== this.#socket) return;
    this.#drop();
    // doubled each time, and somewhere in the upper half of it: not all clients of a worker at once
    const longest = Math.min(FIRST_DELAY * 2 ** this.#attempts++, LONGEST_DELAY);
    const delay = longest / 2 + (Math.random() * longest) / 2;
    this.#timer = setTimeout(() => this.connect(), delay);
    this.#tell('state', { state: 'waiting', code, delay });
  }

  #drop() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    for (const id of [...this.#asked.keys()]) this.#settle(id, new Error('The connection was lost'));
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
