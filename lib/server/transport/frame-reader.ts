import { isUtf8 } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { isCloseCode } from '../../protocol/close-codes.js';
import { answerClose } from '../../ws/answer-close.js';
import { socketOwnerKey } from '../../ws/on-demand-parts.js';
import { OPEN } from './ready-state.js';
import type { ServerWebSocket } from './server-web-socket.js';

/** Bytes of the longest header of a frame with a mask (RFC 6455, section 5.2). */
const MAX_HEADER_SIZE = 14;

const FINAL_TEXT = 0x81;
const FINAL_CLOSE = 0x88;
const FINAL_PONG = 0x8a;
const MASK_SIZE = 4;
const MASKED = 0x80;
const LENGTH = 0x7f;

type DataListener = (this: Duplex, piece: Buffer) => void;

const FINAL = 0x80;
const OPCODE = 0x0f;
const CONTROL = 0x08;
/** Bytes of the longest payload of a control frame (RFC 6455, section 5.5). */
const MAX_CONTROL = 125;

/** The readers that left the stream to `ws`, and may read again at the end of this turn of the event loop. */
let waiting: FrameReader[] = [];

function resumeAll(): void {
  const readers = waiting;
  waiting = [];
  for (const reader of readers) reader.resumeReading();
}

/**
 * Reads plain messages before `ws` does: masked text in one frame and in one piece of the stream (RFC 6455, section 5.2), and
 * the answers to heartbeats. Answers a close frame.
 * Everything else, malformed frames above all, is left to `ws`, together with the rest of this turn of the event loop,
 * because `ws` reports what it refuses later. A pipelined echo takes 13 % less of the server's time.
 *
 * `ws` reads the stream by a listener for `data`, which this reader replaces. It relies on one more property of `ws`: that it
 * has handled a frame when it has the last byte, which is true without compression. When the connection closes, or code
 * listens to the messages of `ws` itself, `ws` reads alone.
 */
class FrameReader {
  /** `ws` reads; this reader only follows the headers, to know where a frame ends. */
  private isFollowing = false;
  private isWaiting = false;
  /** Bytes of the current frame that have not arrived. */
  private left = 0;
  /** The current message has several frames. */
  private isFragmented = false;
  /** The part of a header that has arrived. */
  private header: Buffer | undefined;

  constructor(
    private readonly tcp: Duplex,
    private readonly ws: ServerWebSocket,
    private readonly listener: DataListener,
    private readonly maxPayload: number,
  ) {}

  read(piece: Buffer): void {
    if (this.isFollowing) return this.follow(piece);
    const { maxPayload } = this;
    let at = 0;
    // with each message, a gateway may end the connection, or listen to `ws` itself
    while (!this.isOver) {
      const size = headerSize(piece, at);
      const length = size === 0 ? 0 : payloadLength(piece, at);
      const end = at + size + length;
      if (length === 0 && isPong(piece, at, size)) {
        at = end;
        this.ws.emit('pong', NO_DATA);
        continue;
      }
      const isOurs = size > 0 && end <= piece.length && length <= maxPayload && isPlainText(piece, at);
      // `ws` refuses text that is not UTF-8
      const text = isOurs ? takeText(piece, at + size, end) : undefined;
      if (text === undefined) {
        if (at < piece.length && !takeClose(this.tcp, this.ws, piece, at)) this.leaveToWs(piece.subarray(at));
        return;
      }
      at = end;
      this.ws.listener!.onMessage(text, false);
    }
    this.tcp.on('data', this.listener).off('data', onData);
    if (at < piece.length) this.listener.call(this.tcp, piece.subarray(at));
  }

  /** Reads again. Not to be called during a `data` event, which would call a listener that was just removed. */
  resumeReading(): void {
    this.isWaiting = false;
    if (!this.isBetweenMessages) return;
    if (this.isOver || !this.tcp.listeners('data').includes(this.listener)) {
      this.tcp.off('data', onData);
    } else {
      this.isFollowing = false;
      this.tcp.off('data', this.listener);
    }
  }

  /** The connection closes, which `ws` handles, or code listens to the messages of `ws`. */
  private get isOver(): boolean {
    return this.ws.readyState !== OPEN || this.ws.listenerCount('message') > 0;
  }

  private get isBetweenMessages(): boolean {
    return this.left === 0 && this.header === undefined && !this.isFragmented;
  }

  private leaveToWs(bytes: Buffer): void {
    this.isFollowing = true;
    this.tcp.on('data', this.listener);
    this.listener.call(this.tcp, bytes);
    this.follow(bytes);
  }

  private follow(bytes: Buffer): void {
    let at = this.header === undefined ? 0 : this.followHeader(this.header, bytes);
    for (;;) {
      const taken = Math.min(this.left, bytes.length - at);
      this.left -= taken;
      at += taken;
      if (at === bytes.length) break;
      const size = headerSize(bytes, at);
      if (size === 0) {
        // a copy: the bytes are a part of a larger buffer
        this.header = Buffer.from(bytes.subarray(at));
        break;
      }
      this.begin(bytes, at, size);
    }
    if (!this.isBetweenMessages || this.isWaiting) return;
    this.isWaiting = true;
    if (waiting.push(this) === 1) setImmediate(resumeAll);
  }

  /** @returns the index after the header in `bytes` */
  private followHeader(known: Buffer, bytes: Buffer): number {
    const header = Buffer.concat([known, bytes.subarray(0, MAX_HEADER_SIZE)]);
    const size = headerSize(header, 0);
    this.header = size === 0 ? header : undefined;
    if (size === 0) return bytes.length;
    this.begin(header, 0, size);
    this.left -= size;
    return size - known.length;
  }

  private begin(bytes: Buffer, at: number, size: number): void {
    const first = bytes[at]!;
    if ((first & OPCODE) < CONTROL) this.isFragmented = (first & FINAL) === 0;
    this.left = size + payloadLength(bytes, at);
  }
}

const OWNER = Symbol('nestjs-envelope.websocket');
type Owned = Duplex & Record<symbol, ServerWebSocket | undefined>;

/** Where sockets keep their WebSockets: where `ws` has put them, if that is known. */
let ownerKey: symbol = OWNER;

/** The listener of `ws`: one function for all connections. */
let listenerOfWs: DataListener | undefined;

/**
 * Puts a {@link FrameReader} before `ws`, unless messages are compressed, or other code listens to the bytes, which must get
 * them unchanged.
 */
export function readAhead(tcp: Duplex, ws: ServerWebSocket): void {
  const [listener, other] = tcp.listeners('data') as DataListener[];
  // a single listener is that of `ws`; with others, it is not certain which one is
  if (listener === undefined || other !== undefined || ws.extensions !== '') return;
  listenerOfWs ??= listener;
  if (listener !== listenerOfWs) return;
  if (ownerKey === OWNER) ownerKey = socketOwnerKey() ?? OWNER;
  if ((tcp as Owned)[ownerKey] !== ws) (tcp as Owned)[OWNER] = ws;
  tcp.off('data', listener).on('data', onData);
}

function onData(this: Duplex, piece: Buffer): void {
  const ws = (this as Owned)[ownerKey] ?? (this as Owned)[OWNER];
  if (ws === undefined) return;
  // a client that connects and closes needs no reader
  if (ws.reader === undefined && takeClose(this, ws, piece, 0)) return;
  // made with the first bytes: most connections of most applications send little
  (ws.reader ??= new FrameReader(this, ws, listenerOfWs!, ws.listener!.maxPayload)).read(piece);
}

/** Returns the length of the header of the frame at that index; 0: too little of it has arrived. */
function headerSize(bytes: Buffer, at: number): number {
  if (bytes.length - at < 2) return 0;
  const second = bytes[at + 1]!;
  const length = second & LENGTH;
  const size = (length < 126 ? 2 : length === 126 ? 4 : 10) + ((second & MASKED) === 0 ? 0 : MASK_SIZE);
  return bytes.length - at < size ? 0 : size;
}

/** Returns the bytes of payload, from a complete header. */
function payloadLength(bytes: Buffer, at: number): number {
  const length = bytes[at + 1]! & LENGTH;
  if (length < 126) return length;
  if (length === 126) return bytes.readUInt16BE(at + 2);
  return bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6);
}

/** Returns whether the frame is a pong with a mask: the answer to a heartbeat, if it has no data. */
function isPong(bytes: Buffer, at: number, size: number): boolean {
  return size > 0 && bytes[at] === FINAL_PONG && (bytes[at + 1]! & MASKED) !== 0;
}

const NO_DATA = Buffer.alloc(0);

/**
 * Answers a complete and valid close frame with a mask, and reads nothing more. A client that connects and closes takes
 * 13 % less of the server's time, and leaves 5.8 kB less garbage: neither the reader nor the writer of `ws` is made.
 *
 * @returns `false` if `ws` has to read the bytes, which are unchanged then
 */
function takeClose(tcp: Duplex, ws: ServerWebSocket, bytes: Buffer, at: number): boolean {
  if (bytes[at] !== FINAL_CLOSE || (bytes[at + 1]! & MASKED) === 0) return false;
  const length = bytes[at + 1]! & LENGTH;
  const start = at + 2 + MASK_SIZE;
  if (length > MAX_CONTROL || length === 1 || start + length > bytes.length) return false;
  if (ws.readyState !== OPEN || ws.listenerCount('message') > 0) return false;
  const code = length === 0 ? undefined : unmasked(bytes, start, 0) * 256 + unmasked(bytes, start, 1);
  // outside the pool, which a kept reason would keep in memory
  const reason = length < 3 ? NO_DATA : Buffer.allocUnsafeSlow(length - 2);
  for (let i = 0; i < reason.length; i++) reason[i] = unmasked(bytes, start, i + 2);
  if ((code !== undefined && !isCloseCode(code)) || !isUtf8(reason)) return false;
  if (!answerClose(ws, code, reason)) return false;
  tcp.off('data', onData);
  return true;
}

/** Returns one byte of the payload that begins at `start`, without its mask. */
function unmasked(bytes: Buffer, start: number, index: number): number {
  return bytes[start + index]! ^ bytes[start - MASK_SIZE + (index % MASK_SIZE)]!;
}

/** Returns whether the frame is a complete text message, with a mask. */
function isPlainText(bytes: Buffer, at: number): boolean {
  return bytes[at] === FINAL_TEXT && (bytes[at + 1]! & MASKED) !== 0;
}

/** Unmasks a payload in place, and decodes it. Returns `undefined`, with the mask restored, if it is not UTF-8. */
function takeText(bytes: Buffer, from: number, to: number): string | undefined {
  // plain ASCII needs no check, and is decoded twice as fast
  if (applyMask(bytes, from, to)) return bytes.toString('latin1', from, to);
  if (isUtf8(bytes.subarray(from, to))) return bytes.toString('utf8', from, to);
  applyMask(bytes, from, to);
  return undefined;
}

/** Applies the mask in place. @returns whether the result is plain ASCII */
function applyMask(bytes: Buffer, from: number, to: number): boolean {
  const one = bytes[from - 4]!;
  const two = bytes[from - 3]!;
  const three = bytes[from - 2]!;
  const four = bytes[from - 1]!;
  let seen = 0;
  let i = from;
  for (; i + 3 < to; i += 4) {
    seen |= bytes[i]! ^= one;
    seen |= bytes[i + 1]! ^= two;
    seen |= bytes[i + 2]! ^= three;
    seen |= bytes[i + 3]! ^= four;
  }
  if (i < to) seen |= bytes[i]! ^= one;
  if (i + 1 < to) seen |= bytes[i + 1]! ^= two;
  if (i + 2 < to) seen |= bytes[i + 2]! ^= three;
  return seen < 0x80;
}
