import type { Duplex } from 'node:stream';
import { headerSize, MAX_HEADER_SIZE, payloadLength, takeText } from './masked-frame.js';
import type { LineWebSocket } from './line-web-socket.js';

type DataListener = (this: Duplex, piece: Buffer) => void;

const OPEN = 1;
const FINAL = 0x80;
const FINAL_TEXT = 0x81;
const MASKED = 0x80;
const OPCODE = 0x0f;
const CONTROL = 0x08;
const NOTHING = Buffer.alloc(0);

/**
 * Reads the plain messages of a connection ahead of `ws`: text, masked, whole in one frame and in one piece of the
 * stream (RFC 6455, section 5.2). All else, and above all whatever is broken, is left to `ws`, in its order.
 *
 * `ws` hears of bytes as every reader of a stream does, by a listener for `data`. This one stands in its place and
 * calls it. No more is known of `ws` than that, and that it is done with a frame when it has the last byte, which holds
 * where nothing is compressed. When the connection ends, or somebody wants the messages from `ws`, it reads alone.
 */
class FrameReader {
  /** Bytes of the frame under way that are still to come, and go to `ws`. */
  private left = 0;
  /** The message under way comes in several frames. */
  private isFragmented = false;
  /** What has come of a header; `ws` has it as well. */
  private header = NOTHING;

  constructor(
    private readonly tcp: Duplex,
    private readonly ws: LineWebSocket,
    private readonly listener: DataListener,
    /** Bytes; `ws` refuses what is longer. */
    private readonly maxPayload: number,
  ) {}

  read(piece: Buffer): void {
    // an observer of `ws` sees all messages
    if (this.ws.listenerCount('message') > 0) return this.retire(piece);
    let at = this.skip(piece);
    /** From there to `at` is for `ws`. */
    let from = 0;
    while (at < piece.length) {
      const size = headerSize(piece, at);
      if (size === 0) {
        this.header = Buffer.from(piece.subarray(at));
        at = piece.length;
        break;
      }
      const length = payloadLength(piece, at);
      const end = at + size + length;
      if (end <= piece.length && this.isPlain(piece, at, length)) {
        if (from < at && !this.pass(piece.subarray(from, at))) return this.leave(piece.subarray(at));
        const text = takeText(piece, at + size, end);
        // what is no UTF-8 is for `ws` to refuse
        from = text === undefined ? at : end;
        if (text !== undefined) this.ws.line?._onMessage(text, false);
        // a gateway may have ended the connection: `ws` waits for the answer to its goodbye
        if (this.ws.readyState !== OPEN) return this.retire(piece.subarray(from));
      } else {
        this.note(piece[at]!);
      }
      at = Math.min(end, piece.length);
      this.left = end - at;
    }
    if (from < at) this.pass(piece.subarray(from));
  }

  /** Goes past what belongs to the frame under way. @returns where the next one begins */
  private skip(piece: Buffer): number {
    if (this.header.length > 0) {
      const known = this.header.length;
      const header = Buffer.concat([this.header, piece.subarray(0, MAX_HEADER_SIZE)]);
      const size = headerSize(header, 0);
      this.header = size === 0 ? header : NOTHING;
      if (size === 0) return piece.length;
      this.note(header[0]!);
      this.left = size + payloadLength(header, 0) - known;
    }
    const taken = Math.min(this.left, piece.length);
    this.left -= taken;
    return taken;
  }

  private isPlain(piece: Buffer, at: number, length: number): boolean {
    const isText = piece[at] === FINAL_TEXT && (piece[at + 1]! & MASKED) !== 0;
    return isText && !this.isFragmented && length <= this.maxPayload;
  }

  private note(first: number): void {
    if ((first & OPCODE) < CONTROL) this.isFragmented = (first & FINAL) === 0;
  }

  /** Gives bytes to `ws`, which takes its listener off when it wants no more. @returns whether this reads on */
  private pass(bytes: Buffer): boolean {
    const { tcp, ws, listener } = this;
    tcp.on('data', listener);
    listener.call(tcp, bytes);
    const isOpen = ws.readyState === OPEN;
    tcp.off('data', isOpen ? listener : onData);
    return isOpen;
  }

  /** From here on `ws` reads alone. */
  private retire(bytes: Buffer): void {
    this.tcp.on('data', this.listener).off('data', onData);
    this.leave(bytes);
  }

  private leave(bytes: Buffer): void {
    if (this.tcp.listeners('data').includes(this.listener)) this.listener.call(this.tcp, bytes);
  }
}

const MAKE = Symbol('nestjs-envelope.reader');
type Read = { [MAKE]: FrameReader };

/**
 * Puts a {@link FrameReader} before `ws`. Not where messages are compressed, nor where somebody else looks at the
 * bytes, who must see them as they came.
 *
 * @param maxPayload the longest message, in bytes
 */
export function readAhead(tcp: Duplex, ws: LineWebSocket, maxPayload: number): void {
  const [listener, other] = tcp.listeners('data') as DataListener[];
  if (listener === undefined || other !== undefined || ws.extensions !== '') return;
  (tcp as Duplex & Read)[MAKE] = new FrameReader(tcp, ws, listener, maxPayload);
  tcp.off('data', listener).on('data', onData);
}

function onData(this: Duplex, piece: Buffer): void {
  (this as Duplex & Read)[MAKE].read(piece);
}
