import { createHash } from 'node:crypto';
import type { Duplex, Writable } from 'node:stream';
import { WebSocket } from 'ws';

/** The digests of `setSocket` of `ws` that this file knows, without comments and white space: that of 8.21.1 to 8.23.0. */
const KNOWN = ['e7c841940d9b'];

type Listener = (this: unknown, ...args: unknown[]) => unknown;

/** The options of `ws` for the parts of a WebSocket. */
type PartOptions = Readonly<Record<string, unknown>>;

/** The private part of a WebSocket of `ws`. */
interface Internals {
  _readyState: number;
  _socket: Duplex;
  _extensions: object;
  binaryType: string;
  emit(event: 'open'): boolean;
}

/** What `ws` connects the parts of a WebSocket with: functions and a symbol that it does not export. */
interface Wiring {
  readonly Receiver: new (options: object) => Writable;
  readonly Sender: new (socket: Duplex, extensions: object, generateMask: unknown) => object;
  /** The key under which a part keeps its WebSocket. */
  readonly owner: symbol;
  readonly onSocket: readonly (readonly [event: string, listener: Listener])[];
  readonly onReceiver: readonly (readonly [event: string, listener: Listener])[];
  readonly onSenderError: unknown;
}

/** The listeners that `ws` adds to a socket, by their names. */
const SOCKET_LISTENERS = {
  close: 'socketOnClose',
  data: 'socketOnData',
  end: 'socketOnEnd',
  error: 'socketOnError',
};

/** `undefined` until a WebSocket was opened; `null`: this `ws` is not known, and does everything itself. */
let wiring: Wiring | null | undefined;

const { setSocket } = WebSocket.prototype as unknown as { setSocket: Listener };

/** Where a WebSocket keeps its parts. */
const RECEIVER = Symbol('nestjs-envelope.receiver');
const SENDER = Symbol('nestjs-envelope.sender');

/** In the place of a part that was not used yet. WebSockets of equal options share it. */
class Unmade {
  constructor(readonly options: PartOptions) {}
}

interface Parts {
  [RECEIVER]: object | null;
  [SENDER]: object | null;
}

/**
 * Lets the WebSockets of a class make the reader and the writer of `ws` when they are first used: this package reads plain
 * messages and writes them itself, and so most connections need neither before they close. That is a kilobyte of each idle
 * connection.
 *
 * `ws` opens the first WebSocket itself, which shows how it connects the parts; further ones, if the listeners of the first one
 * are wrapped. If its function is not one that this file knows, `ws` opens all of them.
 */
export function makePartsOnDemand(type: typeof WebSocket): void {
  Object.defineProperties(type.prototype, {
    setSocket: { value: openSocket },
    _receiver: {
      get(this: Parts & Internals) {
        const { [RECEIVER]: part } = this;
        return part instanceof Unmade ? (this[RECEIVER] = makeReceiver(this, part.options)) : part;
      },
      set(this: Parts, receiver: object | null) {
        this[RECEIVER] = receiver;
      },
    },
    _sender: {
      get(this: Parts & Internals) {
        const { [SENDER]: part } = this;
        return part instanceof Unmade ? (this[SENDER] = makeSender(this, part.options)) : part;
      },
      set(this: Parts, sender: object | null) {
        this[SENDER] = sender;
      },
    },
  });
}

/** Returns whether WebSockets make their parts on demand; `undefined` before the first one was opened. */
export function arePartsOnDemand(): boolean | undefined {
  return wiring === undefined ? undefined : wiring !== null;
}

/** Returns the key under which `ws` keeps the WebSocket on its socket; `undefined` if that is not known. */
export function socketOwnerKey(): symbol | undefined {
  return wiring?.owner;
}

/** A ping without data (RFC 6455, section 5.5.2). */
const PING = Buffer.from([0x89, 0]);

/** Sends a ping, if the WebSocket is open and has made no writer yet. @returns whether it has sent one */
export function pingWithoutSender(ws: WebSocket): boolean {
  if (!hasUnusedSender(ws) || ws.readyState !== WebSocket.OPEN) return false;
  (ws as unknown as Internals)._socket.write(PING);
  return true;
}

/** In the place of the reader of a WebSocket that reads nothing more: what `ws` uses of it when a connection has closed. */
const ENDED = {
  _writableState: { finished: true, errorEmitted: false, needDrain: false },
  end(): void {},
  removeAllListeners(): void {},
  // set by the property `binaryType` of a WebSocket
  set _binaryType(_: unknown) {},
};

/** Lets a WebSocket read nothing more, if it has made no reader yet. @returns whether it had made none */
export function endUnusedReceiver(ws: WebSocket): boolean {
  const parts = ws as unknown as Parts;
  if (!(parts[RECEIVER] instanceof Unmade)) return false;
  parts[RECEIVER] = ENDED;
  return true;
}

/** Returns whether a WebSocket has made no writer yet. */
export function hasUnusedSender(ws: WebSocket): boolean {
  return (ws as unknown as Parts)[SENDER] instanceof Unmade;
}

/** @returns what `ws` returns: nothing, but Bun replaces `ws`, and aborts the handshake unless its own function returns true */
function openSocket(this: Parts & Internals, socket: Duplex, head: Buffer, options: PartOptions): unknown {
  if (wiring === undefined || wiring === null || Object.keys(this._extensions).length > 0) {
    const result: unknown = Reflect.apply(setSocket, this, [socket, head, options]);
    if (wiring === undefined) wiring = learn(this, socket);
    return result;
  }
  // the rest of this function is `setSocket` of `ws`, without the parts
  this[RECEIVER] = this[SENDER] = unmade(options);
  this._socket = socket;
  Reflect.set(socket, wiring.owner, this);
  const { setTimeout, setNoDelay } = socket as Duplex & Partial<Record<string, Listener>>;
  setTimeout?.call(socket, 0);
  setNoDelay?.call(socket);
  if (head.length > 0) socket.unshift(head);
  for (const [event, listener] of wiring.onSocket) socket.on(event, listener);
  this._readyState = WebSocket.OPEN;
  this.emit('open');
  return undefined;
}

let last = new Unmade({});

/** `ws` makes an object of options for each WebSocket. */
function unmade(options: PartOptions): Unmade {
  for (const name in options) if (options[name] !== last.options[name]) return (last = new Unmade(options));
  return last;
}

function makeReceiver(ws: Internals, options: PartOptions): Writable {
  const { Receiver, owner, onReceiver } = wiring!;
  const { binaryType, _extensions: extensions } = ws;
  const receiver = new Receiver({ ...options, binaryType, extensions, isServer: true });
  Reflect.set(receiver, owner, ws);
  for (const [event, listener] of onReceiver) receiver.on(event, listener);
  return receiver;
}

function makeSender(ws: Internals, options: PartOptions): object {
  const { Sender, owner, onSenderError } = wiring!;
  const sender = new Sender(ws._socket, ws._extensions, options['generateMask']);
  Reflect.set(sender, owner, ws);
  Reflect.set(sender, 'onerror', onSenderError);
  return sender;
}

/**
 * Returns how `ws` has connected the parts of a WebSocket; `null` if this `ws` is not known, and `undefined` if this WebSocket
 * does not show it, because other code has wrapped the listeners of its socket.
 */
function learn(ws: Parts & Internals, socket: Duplex): Wiring | null | undefined {
  if (!KNOWN.includes(digestOf(setSocket))) return null;
  const [receiver, sender] = [ws[RECEIVER] as Writable, ws[SENDER]!];
  const owner = Object.getOwnPropertySymbols(receiver).find((key) => Reflect.get(receiver, key) === ws);
  if (owner === undefined) return null;
  const onSocket: [string, Listener][] = [];
  for (const [event, name] of Object.entries(SOCKET_LISTENERS)) {
    // it has added its listeners behind all others
    const listener = socket.listeners(event).at(-1) as Listener | undefined;
    if (listener?.name !== name) return undefined;
    onSocket.push([event, listener]);
  }
  return {
    Receiver: receiver.constructor as Wiring['Receiver'],
    Sender: sender.constructor as Wiring['Sender'],
    owner,
    onSocket,
    onReceiver: (receiver.eventNames() as string[]).map((event) => [
      event,
      receiver.listeners(event)[0] as Listener,
    ]),
    onSenderError: Reflect.get(sender, 'onerror'),
  };
}

function digestOf(code: Listener): string {
  const text = Function.prototype.toString
    .call(code)
    .replaceAll(/\/\/[^\n]*/g, '')
    .replaceAll(/\s/g, '');
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
