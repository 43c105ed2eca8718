const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * One line at a time, as PROTOCOL.md has it. It tells by events: `state`, `session`, and `frame`, whose `detail` is
 * a frame that went out or came in, or a note on the line itself.
 */
export class Connection extends EventTarget {
  /** 'closed', 'connecting' or 'open' */
  state = 'closed';
  /** The last close, or why there was no line: `{ code, reason, wasOpen, isOurs }`. */
  ended = undefined;
  /** The path of the line, or of the last one. */
  path = undefined;
  /** What the server's `$session` said; only where envelope.v1 was offered. */
  session = undefined;
  /** Our requests that have no final answer yet, by id. */
  requests = new Map();
  #socket = undefined;
  #openedAt = 0;
  #ids = 0;
  #isLeaving = false;

  /** Opens a line; the one before, if there is one, is left. */
  open(url, protocols) {
    if (this.state === 'open') this.#note('left', 'Disconnected');
    this.close();
    this.path = new URL(url).pathname;
    this.ended = undefined;
    this.requests.clear();
    this.#ids = 0;
    this.#isLeaving = false;
    this.#openedAt = performance.now();
    const socket = (this.#socket = new WebSocket(url, protocols));
    socket.binaryType = 'arraybuffer';
    this.#become('connecting');
    socket.onopen = () => {
      this.#openedAt = performance.now();
      this.#become('open');
      this.#note('opened', `Connected to ${this.path}`, socket.protocol && `as ${socket.protocol}`);
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => {
      if (this.#socket !== socket) return;
      const wasOpen = this.state === 'open';
      this.ended = { code, reason, wasOpen, isOurs: this.#isLeaving };
      this.#become('closed');
      if (this.#isLeaving) this.#note('left', 'Disconnected');
      else if (wasOpen) this.#note('closed', `Closed with ${code}`, reason);
      else this.#note('refused', 'Refused before it was open', 'a browser does not say why');
      this.requests.clear();
    };
  }

  close() {
    this.#isLeaving = true;
    this.session = undefined;
    this.#socket?.close(1000);
  }

  /** An id that no open request has. */
  nextId() {
    return ++this.#ids;
  }

  send(envelope) {
    const text = JSON.stringify(envelope);
    const frame = this.#frame('out', text, envelope);
    if (envelope.id !== undefined) this.requests.set(envelope.id, frame);
    this.#socket.send(text);
    this.#tell('frame', frame);
    return frame;
  }

  #receive(data) {
    const text = typeof data === 'string' ? data : decoder.decode(data);
    const envelope = parse(text);
    const frame = this.#frame('in', text, envelope);
    const request = envelope?.ack === undefined ? undefined : this.requests.get(envelope.ack);
    if (request !== undefined) this.#answer(request, frame, envelope);
    if (envelope?.event === '$session' && isObject(envelope.data)) {
      this.session = envelope.data;
      this.#tell('session');
    }
    this.#tell('frame', frame);
  }

  #answer(request, frame, envelope) {
    frame.request = request;
    frame.roundTrip = frame.at - request.at;
    frame.isFirst = request.answer === undefined;
    request.answer ??= frame;
    if (envelope.more !== true) this.requests.delete(envelope.ack);
  }

  #frame(direction, text, envelope) {
    const at = performance.now();
    const bytes = encoder.encode(text).length;
    return { direction, text, envelope, bytes, at, since: at - this.#openedAt, time: new Date() };
  }

  #note(kind, text, detail = '') {
    const at = performance.now();
    const since = at - this.#openedAt;
    this.#tell('frame', { direction: 'note', kind, text, detail, bytes: 0, at, since, time: new Date() });
  }

  #become(state) {
    this.state = state;
    this.#tell('state');
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object that a frame holds, `undefined` where it is none. */
function parse(text) {
  try {
    const value = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The subprotocols that show credentials, and whether the server is to tell of its session. */
export function subprotocols({ isVersioned, credentials }) {
  if (credentials === undefined) return isVersioned ? ['envelope.v1'] : [];
  if (!isVersioned && isBearer(credentials)) return ['bearer', credentials.token];
  // credentials are never selected, and a browser closes a connection on which none of its names was
  return ['envelope.v1', `envelope.auth.${base64url(JSON.stringify(credentials))}`];
}

/** Nothing but a token, of characters that a subprotocol may have. */
function isBearer({ token, ...others }) {
  return (
    Object.keys(others).length === 0 && /^[\w!#$%&'*+.^`|~-]+$/.test(token) && !/^envelope\./i.test(token)
  );
}

function base64url(text) {
  const bytes = String.fromCharCode(...encoder.encode(text));
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
