import type { IncomingMessage } from 'node:http';
import { MAX_DELAY } from '../protocol/max-delay.js';

/** Why a body was not read. */
export type BodyFailure = 'too large' | 'too slow';

const LINE_FEED = 0x0a;
const NOTHING = Buffer.alloc(0);

/** The limits of a body. */
interface BodyLimits {
  /** The bytes that it may have, line feeds not counted. */
  readonly maxBytes: number;
  /** Milliseconds: a client that sends it byte by byte must not hold a connection. */
  readonly timeout: number;
}

/**
 * Reads the whole body of a request. Calls back once; never if the client disconnects before.
 *
 * @returns a function that stops it
 */
export function readBody(
  request: IncomingMessage,
  { maxBytes, timeout }: BodyLimits,
  done: (body: Buffer | BodyFailure) => void,
): () => void {
  const body = new GrowingBuffer();
  /** Counted only where it matters. */
  let lineFeeds: number | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    request.off('data', onData).off('end', onEnd).off('close', stop);
  };
  const fail = (why: BodyFailure): void => {
    stop();
    done(why);
  };
  const onData = (chunk: Buffer): void => {
    body.add(chunk);
    if (body.length <= maxBytes) return;
    lineFeeds = lineFeeds === undefined ? countLineFeeds(body.bytes) : lineFeeds + countLineFeeds(chunk);
    // each line feed but the last follows a message
    if (body.length - lineFeeds > maxBytes || lineFeeds > maxBytes + 1) fail('too large');
  };
  const onEnd = (): void => {
    stop();
    done(body.bytes);
  };
  const timer = setTimeout(() => fail('too slow'), Math.min(timeout, MAX_DELAY));
  timer.unref();
  request.on('data', onData).on('end', onEnd).on('close', stop);
  return stop;
}

function countLineFeeds(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) count++;
  return count;
}

/** Bytes that arrive in pieces. A list of the pieces would take a hundred times the memory of pieces of one byte. */
class GrowingBuffer {
  length = 0;
  private buffer: Buffer = NOTHING;

  get bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  add(chunk: Buffer): void {
    if (this.length === 0) {
      // most bodies are one piece, which needs no copy
      this.buffer = chunk;
    } else {
      if (this.length + chunk.length > this.buffer.length) {
        const larger = Buffer.allocUnsafe((this.length + chunk.length) * 2);
        this.buffer.copy(larger, 0, 0, this.length);
        this.buffer = larger;
      }
      chunk.copy(this.buffer, this.length);
    }
    this.length += chunk.length;
  }
}
