import type { Socket } from 'node:net';
import type { CompressingWriter } from './compressing-writer.js';
import type { DeflatedFrame } from './deflated-frame.js';
import type { Deflater } from './deflater.js';
import { Frame, frameAscii, joinFrames, type Outgoing } from './frame.js';
import { bytesOf, sameItems } from './outbox.js';
import { OPEN } from './ready-state.js';

/** The compression that a client and this server have agreed on. */
export interface NegotiatedDeflate {
  readonly deflater: Deflater;
  /** The largest window that the client accepts: 9 to 15 bits. */
  readonly windowBits: number;
  /** Whether each message of the client is compressed on its own. */
  readonly clientNoContextTakeover: boolean;
}

/** The WebSocket that frames are written for. */
interface Target {
  readonly readyState: number;
}

// The members of a room leave equal lists in a tick, as in `bytesOf`: the list is compressed and joined once.
let lastItems: readonly Outgoing[] | undefined;
let lastDeflate: NegotiatedDeflate | undefined;
let lastBytes: Buffer | undefined;

function remember(items: readonly Outgoing[], deflate: NegotiatedDeflate, bytes: Buffer): void {
  if (lastItems === undefined) process.nextTick(forget);
  lastItems = items;
  lastDeflate = deflate;
  lastBytes = bytes;
}

function forget(): void {
  lastItems = lastDeflate = lastBytes = undefined;
}

/**
 * Writes the messages of one connection as compressed frames that all connections share. A broadcast of 1.2 kB to 200 clients
 * takes 0.12 of the time that it takes where `ws` compresses it for each of them, and 1.03 of that without compression.
 *
 * While a large message is compressed off the event loop, those behind it wait here. They wait no longer when something
 * else is to be written, such as a close frame: the large message then goes out uncompressed.
 */
export class DeflateWriter implements CompressingWriter {
  /** A message that is being compressed, and those behind it. */
  private queue: Outgoing[] | undefined;
  private awaited: DeflatedFrame | undefined;
  /** Bytes of the queue. */
  private queued = 0;

  constructor(
    private readonly tcp: Socket,
    private readonly ws: Target,
    private readonly deflate: NegotiatedDeflate,
    /** Called when nothing waits here any more. */
    private readonly onWritten: () => void,
  ) {}

  get unwrittenBytes(): number {
    return this.tcp.writableLength + this.queued;
  }

  get isBusy(): boolean {
    return this.tcp.writableNeedDrain || this.queued > this.tcp.writableHighWaterMark;
  }

  write(items: readonly Outgoing[]): number {
    if (this.queue !== undefined) return this.wait(items.map((item) => this.asFrame(item)));
    const [first] = items;
    if (items.length === 1 && first instanceof Frame) return this.writeFrame(first);
    if (lastDeflate === this.deflate && sameItems(items, lastItems!)) return this.pass(lastBytes!);
    if (!items.some((item) => this.takes(item))) return this.pass(frameAscii(items) ?? bytesOf(items));
    return this.writeSeveral(items);
  }

  /** Writes what waits, now: uncompressed as far as it is not compressed yet. */
  flush(): void {
    const { queue } = this;
    if (queue === undefined) return;
    this.clear();
    if (this.ws.readyState !== OPEN) return;
    this.pass(joinFrames(queue.map((item) => this.prepared(item) ?? item)));
    this.onWritten();
  }

  private writeFrame(frame: Frame): number {
    if (!this.takes(frame)) return this.pass(frame.bytes);
    const { bytes } = this.deflated(frame);
    return bytes === undefined ? this.wait([frame]) : this.pass(bytes);
  }

  private writeSeveral(items: readonly Outgoing[]): number {
    const frames = items.map((item) => this.asFrame(item));
    const ready: Outgoing[] = [];
    for (const frame of frames) {
      const prepared = this.prepared(frame);
      if (prepared === undefined) break;
      ready.push(prepared);
    }
    const bytes = joinFrames(ready);
    if (ready.length === frames.length) {
      remember(items, this.deflate, bytes);
      return this.pass(bytes);
    }
    if (bytes.length > 0) this.pass(bytes);
    return Math.max(bytes.length, this.wait(frames.slice(ready.length)));
  }

  private pass(bytes: Buffer | string): number {
    this.tcp.write(bytes, 'latin1');
    return bytes.length;
  }

  /** Lets messages wait, and starts to compress the large ones. @returns the bytes of the largest one */
  private wait(items: readonly Outgoing[]): number {
    let largest = 0;
    for (const item of items) {
      const payload = typeof item === 'string' ? item : item.payload;
      const size = typeof payload === 'string' ? Buffer.byteLength(payload) : item.length;
      this.queued += size;
      largest = Math.max(largest, size);
      if (item instanceof Frame && this.takes(item)) this.deflated(item);
    }
    if (this.queue !== undefined) {
      this.queue.push(...items);
    } else {
      this.queue = [...items];
      this.await(this.deflated(items[0] as Frame));
    }
    return largest;
  }

  private await(frame: DeflatedFrame): void {
    this.awaited = frame;
    frame.wait(() => {
      // it may have been written uncompressed meanwhile
      if (this.awaited === frame) this.goOn();
    });
  }

  private goOn(): void {
    const queue = this.queue!;
    this.clear();
    if (this.ws.readyState !== OPEN) return;
    this.write(queue);
    if (this.queue === undefined) this.onWritten();
  }

  private clear(): void {
    this.queue = this.awaited = undefined;
    this.queued = 0;
  }

  private takes(item: Outgoing): boolean {
    const { deflater } = this.deflate;
    return typeof item === 'string' ? deflater.takesText(item) : deflater.takes(item);
  }

  private deflated(frame: Frame): DeflatedFrame {
    return this.deflate.deflater.deflate(frame, this.deflate.windowBits);
  }

  /** Returns the message as a frame, which keeps its compressed form, if it is to be compressed. */
  private asFrame(item: Outgoing): Outgoing {
    return typeof item === 'string' && this.takes(item) ? new Frame(item) : item;
  }

  /** Returns a message of {@link asFrame} as it is written; `undefined` while it is compressed. */
  private prepared(item: Outgoing): Outgoing | undefined {
    if (typeof item === 'string' || !this.takes(item)) return item;
    const { bytes } = this.deflated(item);
    return bytes && Frame.joined(bytes);
  }
}
