import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { closeOf, FrameScanner } from '../frame-scanner.js';
import { serveCommands, emitToParent } from './program.js';

/** What happened to a reader. */
export interface ReaderReport {
  /** The number of messages of each event. */
  bulk: number;
  position: number;
  /** The first message that was missing or out of order. */
  gap?: string;
  pings: number;
  close?: { code: number; reason: string };
  /** Milliseconds, by this process's clock. */
  closedAt?: number;
  isOver: boolean;
  stoppedInsideFrame?: boolean;
}

interface ReaderOptions {
  port: number;
  count: number;
  /** The number of bytes that each reads. */
  maxBytes?: number;
  isCompressed?: boolean;
  path?: string;
}

/** A raw TCP client that stops reading after a number of bytes. */
class Reader {
  readonly report: ReaderReport = { bulk: 0, position: 0, pings: 0, isOver: false };
  private readonly tcp: Socket;
  private isOpen = false;
  private text = '';
  private bytes = 0;
  private last = -1;
  private readonly scanner = new FrameScanner((frame) => {
    const close = closeOf(frame);
    if (close !== undefined) {
      this.report.close = close;
      this.report.closedAt = performance.now();
      // an empty close frame, masked
      this.tcp.end(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
    } else if (frame.opcode === 9) this.report.pings++;
    else this.receive(frame.start.toString());
  });

  constructor(
    port: number,
    path: string,
    /** After this number of bytes it stops, in the middle of a frame. */
    private readonly maxBytes: number,
    private readonly isCompressed: boolean,
    private readonly onOpen: () => void,
  ) {
    this.tcp = connect(port, '127.0.0.1');
    this.tcp.on('data', (chunk) => this.read(chunk));
    this.tcp.on('error', () => undefined);
    this.tcp.on('close', () => {
      this.report.isOver = true;
      void emitToParent('closed');
    });
    const key = randomBytes(16).toString('base64');
    this.tcp.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n` +
        `${isCompressed ? 'Sec-WebSocket-Extensions: permessage-deflate\r\n' : ''}\r\n`,
    );
  }

  resume(): void {
    this.tcp.resume();
  }
  destroy(): void {
    this.tcp.destroy();
  }

  private read(chunk: Buffer): void {
    if (this.isOpen) return this.scan(chunk);
    this.text += chunk.toString('latin1');
    const end = this.text.indexOf('\r\n\r\n');
    if (end === -1) return;
    this.isOpen = true;
    this.onOpen();
    this.scan(Buffer.from(this.text.slice(end + 4), 'latin1'));
  }

  private scan(chunk: Buffer): void {
    this.scanner.push(chunk);
    this.bytes += chunk.length;
    if (this.bytes < this.maxBytes || this.report.stoppedInsideFrame !== undefined) return;
    // compressed frames arrive one by one, so a chunk may end between two
    if (!this.scanner.isInsideFrame && !this.isCompressed) return;
    this.report.stoppedInsideFrame = this.scanner.isInsideFrame;
    this.tcp.pause();
    void emitToParent('stopped');
  }

  /** Checks that bulk messages arrive without gaps. Volatile messages may be missing. */
  private receive(start: string): void {
    const [, event, number] = /^\{"event":"(\w+)","data":"(\d+):/.exec(start) ?? [];
    if (event === 'position') this.report.position++;
    if (event !== 'bulk') return;
    if (Number(number) !== this.last + 1) this.report.gap ??= `${number} after ${this.last}`;
    this.last = Number(number);
    this.report.bulk++;
  }
}

const readers: Reader[] = [];

serveCommands({
  connect: async ({
    port,
    count,
    maxBytes = Infinity,
    isCompressed = false,
    path = '/ws',
  }: ReaderOptions) => {
    for (let index = 0; index < count; index++)
      await new Promise<void>((open) => readers.push(new Reader(port, path, maxBytes, isCompressed, open)));
  },
  /** Continues the first `count` readers. */
  resume: (count: number) => readers.slice(0, count).forEach((reader) => reader.resume()),
  destroy: () => readers.forEach((reader) => reader.destroy()),
  reports: () => readers.map(({ report }) => report),
});
// keeps the process alive before the first reader
setInterval(() => undefined, 60_000);
