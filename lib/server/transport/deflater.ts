import { constants, deflateRaw, deflateRawSync, type ZlibOptions } from 'node:zlib';
import { runDetached } from '../util/detached.js';
import { DeflatedFrame } from './deflated-frame.js';
import { frameDeflated, type Frame } from './frame.js';

/** How messages to the clients of one path are compressed. */
export interface DeflateSettings {
  /** Bytes below which a message is left uncompressed. */
  readonly threshold: number;
  readonly zlib: Pick<ZlibOptions, 'level' | 'memLevel' | 'strategy'>;
}

/** Characters from which on a message is compressed off the event loop: below, that takes less than a millisecond. */
const LARGE = 32 * 1_024;
/** Compressions off the event loop at a time. Node has four threads for such work, and others need them as well. */
const MAX_RUNNING = 2;
/** Characters of the messages in them, and of those that wait for one. Messages beyond that are sent uncompressed. */
const MAX_PENDING = 16 * 1_024 * 1_024;

/** zlib compresses with windows of at least 9 bits. */
const MIN_WINDOW_BITS = 9;
/** The end of each flush, which is left out (RFC 7692, section 7.2.1). */
const TAIL_SIZE = 4;

/**
 * Compresses messages for all connections, each message once and on its own (RFC 7692, section 7.1.1.1), so that no
 * connection has a compressor. The result is kept with the message.
 */
export class Deflater {
  constructor(private readonly settings: DeflateSettings) {}

  /** Returns whether a message is to be compressed. */
  takes({ payload, compress }: Frame): boolean {
    if (!compress) return false;
    if (typeof payload === 'string') return this.takesText(payload);
    return Buffer.isBuffer(payload) && payload.length >= this.settings.threshold;
  }

  takesText(text: string): boolean {
    const { threshold } = this.settings;
    // a character has at most three bytes in UTF-8
    return text.length >= threshold || (text.length * 3 >= threshold && Buffer.byteLength(text) >= threshold);
  }

  /**
   * Returns the compressed form of a message: the same one each time. A large message gets its bytes later.
   *
   * @param frame a message that {@link takes} returns `true` for
   * @param maxWindowBits the largest window that the client accepts
   */
  deflate(frame: Frame, maxWindowBits: number): DeflatedFrame {
    const { length } = frame;
    // As large as the message, since more would find nothing, and two bytes for each character: so most messages have one
    // form for all clients, also for those with small windows.
    const windowBits = Math.min(maxWindowBits, Math.max(MIN_WINDOW_BITS, 33 - Math.clz32(length)));
    for (let made = frame.deflated; made !== undefined; made = made.next)
      if (made.windowBits === windowBits && made.deflater === this) return made;
    const made = new DeflatedFrame(this, windowBits, frame.deflated);
    frame.deflated = made;
    if (length < LARGE) made.settle(compress(frame, this.optionsFor(windowBits)));
    else compressLater(frame, this.optionsFor(windowBits), made);
    return made;
  }

  private optionsFor(windowBits: number): ZlibOptions {
    return { ...this.settings.zlib, windowBits, finishFlush: constants.Z_SYNC_FLUSH };
  }
}

function compress(frame: Frame, options: ZlibOptions): Buffer {
  return smaller(frame, deflateRawSync(frame.payload as string | Buffer, options));
}

let running = 0;
let pending = 0;
const waiting: (() => void)[] = [];

function compressLater(frame: Frame, options: ZlibOptions, made: DeflatedFrame): void {
  const { length } = frame;
  // a message alone is never too large
  if (pending > 0 && pending + length > MAX_PENDING) return made.settle(frame.bytes);
  pending += length;
  const start = (): void => {
    running++;
    deflateRaw(frame.payload as string | Buffer, options, (error, deflated) => {
      running--;
      pending -= length;
      waiting.shift()?.();
      made.settle(error === null ? smaller(frame, deflated) : frame.bytes);
    });
  };
  if (running < MAX_RUNNING) runDetached(start);
  else waiting.push(start);
}

/** Returns the compressed frame, or the plain one where compression gains nothing. */
function smaller(frame: Frame, deflated: Buffer): Buffer {
  const payload = frame.payload as string | Buffer;
  const size = deflated.length - TAIL_SIZE;
  return size < Buffer.byteLength(payload)
    ? frameDeflated(deflated.subarray(0, size), typeof payload === 'string')
    : frame.bytes;
}
