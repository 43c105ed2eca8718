import { fromBinary, toBinary } from './bytes.js';
import { decode, encode } from './message-pack.js';

/** The subprotocol of MessagePack. */
export const PACKED = 'envelope.v1+msgpack';
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * One connection at a time, by PROTOCOL.md. It emits `state`, `session` and `frame`. The `detail` of `frame` is a sent or received
 * frame, or a note about the connection.
 */
export class Connection extends EventTarget {
  /** 'closed', 'connecting' or 'open' */
  state = 'closed';
  /** How the last connection closed or failed: `{ code, reason, wasOpen, isLocal }`. */
  lastClose = undefined;
  /** The path of the open connection, or of the last one. */
  path = undefined;
  /** The data of the server's `$session`. `undefined` if `envelope.v1` was not offered. */
  session = undefined;
  /** Whether the messages are MessagePack. */
  get isPacked() {
    return this.#socket?.protocol === PACKED;
  }

  /** Sent requests without a final answer, by id. */
  requests = new Map();
  #socket = undefined;
  #openedAt = 0;
  #ids = 0;
  #isClosing = false;

  /** Opens a connection, and closes the previous one. */
  open(url, protocols) {
    if (this.state === 'open') this.#note('left', 'Disconnected');
    this.close();
    this.path = new URL(url).pathname;
    this.lastClose = undefined;
    this.requests.clear();
    this.#ids = 0;
    this.#isClosing = false;
    this.#openedAt = performance.now();
    const socket = (this.#socket = new WebSocket(url, protocols));
    socket.binaryType = 'arraybuffer';
    this.#setState('connecting');
    socket.onopen = () => {
      this.#openedAt = performance.now();
      this.#setState('open');
      this.#note('opened', `Connected to ${this.path}`, socket.protocol && `as ${socket.protocol}`);
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => {
      if (this.#socket !== socket) return;
      const wasOpen = this.state === 'open';
      this.lastClose = { code, reason, wasOpen, isLocal: this.#isClosing };
      this.#setState('closed');
      if (this.#isClosing) this.#note('left', 'Disconnected');
      else if (wasOpen) this.#note('closed', `Closed with ${code}`, reason);
      else this.#note('refused', 'Refused before it was open', 'browsers hide the reason');
      this.requests.clear();
    };
  }

  close() {
    this.#isClosing = true;
    this.session = undefined;
    this.#socket?.close(1000);
  }

  /** Returns an unused request id. */
  nextId() {
    return ++this.#ids;
  }

  send(envelope) {
    const text = JSON.stringify(envelope);
    const encoded = this.encode(envelope);
    const frame = this.#frame('out', text, envelope, encoded.length);
    if (envelope.id !== undefined) this.requests.set(envelope.id, frame);
    this.#socket.send(this.isPacked ? encoded : text);
    this.#emit('frame', frame);
    return frame;
  }

  /** Returns the bytes of a message as this connection writes it. */
  encode(envelope) {
    return this.isPacked ? encode(toBinary(envelope)) : encoder.encode(JSON.stringify(envelope));
  }

  #receive(data) {
    const { text, envelope, size } = this.isPacked ? unpack(data) : read(data);
    const frame = this.#frame('in', text, envelope, size);
    const request = envelope?.ack === undefined ? undefined : this.requests.get(envelope.ack);
    if (request !== undefined) this.#answer(request, frame, envelope);
    if (envelope?.event === '$session' && isObject(envelope.data)) {
      this.session = envelope.data;
      this.#emit('session');
    }
    this.#emit('frame', frame);
  }

  #answer(request, frame, envelope) {
    frame.request = request;
    frame.roundTrip = frame.at - request.at;
    frame.isFirst = request.answer === undefined;
    request.answer ??= frame;
    if (envelope.more !== true) this.requests.delete(envelope.ack);
  }

  #frame(direction, text, envelope, bytes) {
    const at = performance.now();
    return { direction, text, envelope, bytes, at, since: at - this.#openedAt, time: new Date() };
  }

  #note(kind, text, detail = '') {
    const at = performance.now();
    const since = at - this.#openedAt;
    this.#emit('frame', { direction: 'note', kind, text, detail, bytes: 0, at, since, time: new Date() });
  }

  #setState(state) {
    this.state = state;
    this.#emit('state');
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads a frame with JSON. */
function read(data) {
  const text = typeof data === 'string' ? data : decoder.decode(data);
  return { text, envelope: parse(text), size: encoder.encode(text).length };
}

/** Reads a frame with MessagePack. Its text is JSON, so that it can be read, copied and sent again. */
function unpack(data) {
  if (typeof data === 'string') return { text: data, envelope: undefined, size: encoder.encode(data).length };
  const size = data.byteLength;
  try {
    const value = fromBinary(decode(new Uint8Array(data)));
    return { text: JSON.stringify(value), envelope: isObject(value) ? value : undefined, size };
  } catch (error) {
    return { text: `${size} bytes that are not MessagePack: ${error.message}`, envelope: undefined, size };
  }
}

/** Parses a frame. Returns `undefined` if it is not a JSON object. */
function parse(text) {
  try {
    const value = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the subprotocols: `envelope.v1`, which makes the server send `$session`, or MessagePack, and the credentials. */
export function subprotocols({ isVersioned, isPacked, credentials }) {
  const encoding = isPacked ? PACKED : 'envelope.v1';
  if (credentials === undefined) return isVersioned || isPacked ? [encoding] : [];
  if (!isVersioned && !isPacked && isBearer(credentials)) return ['bearer', credentials.token];
  // the server never selects the credentials, and a browser closes a connection if the server selects none of its subprotocols
  return [encoding, `envelope.auth.${base64url(JSON.stringify(credentials))}`];
}

/** Whether the credentials are only a token, of characters that a subprotocol may contain. */
function isBearer({ token, ...others }) {
  return (
    Object.keys(others).length === 0 && /^[\w!#$%&'*+.^`|~-]+$/.test(token) && !/^envelope\./i.test(token)
  );
}

function base64url(text) {
  const bytes = String.fromCharCode(...encoder.encode(text));
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
