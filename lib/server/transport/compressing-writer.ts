import type { WebSocket } from 'ws';
import type { Outgoing } from './frame.js';

/** Writes the messages of one connection on which `permessage-deflate` was negotiated. */
export interface CompressingWriter {
  /** Bytes that it took and has not passed on to the operating system. */
  readonly unwrittenBytes: number;
  /** Enough waits: a source that can wait should. */
  readonly isBusy: boolean;
  /** Writes the messages. @returns the bytes of the largest single write */
  write(items: readonly Outgoing[]): number;
}

/** Writes through `ws`, which keeps a compressor for the connection and compresses one message at a time. */
export class WsWriter implements CompressingWriter {
  constructor(
    private readonly ws: WebSocket,
    private readonly tcp: { readonly writableNeedDrain: boolean; readonly writableHighWaterMark: number },
    /** Called when `ws` has written a message. */
    private readonly onWritten: () => void,
  ) {}

  get unwrittenBytes(): number {
    return this.ws.bufferedAmount;
  }

  /** Messages wait in `ws`, not in the socket. */
  get isBusy(): boolean {
    return this.tcp.writableNeedDrain || this.ws.bufferedAmount > this.tcp.writableHighWaterMark;
  }

  write(items: readonly Outgoing[]): number {
    let largest = 0;
    for (const item of items) {
      const payload = typeof item === 'string' ? item : item.payload;
      const compress = typeof item === 'string' || item.compress;
      for (const part of typeof payload === 'string' || Buffer.isBuffer(payload) ? [payload] : payload) {
        largest = Math.max(largest, Buffer.byteLength(part));
        this.ws.send(part, { compress }, this.onWritten);
      }
    }
    return largest;
  }
}
