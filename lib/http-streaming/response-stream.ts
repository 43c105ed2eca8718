import type { IncomingMessage, ServerResponse } from 'node:http';

/** How a record is written: with what before it and after it. */
interface Format {
  readonly type: string;
  readonly before: string;
  readonly after: string;
}

const NDJSON: Format = { type: 'application/x-ndjson', before: '', after: '\n' };
const SSE: Format = { type: 'text/event-stream', before: 'data: ', after: '\n\n' };

/** Milliseconds for the client to read the end of a response. What is missing then comes in the next one. */
const END_TIMEOUT = 2_000;

/** Headers that keep caches and proxies from answering, storing, compressing or buffering. */
const HEADERS = {
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
};

/** What a stream reports. */
export interface StreamListener {
  /** The client takes more. */
  onStreamDrain(stream: ResponseStream): void;
  /** The response has ended, before this side ended it. */
  onStreamLost(stream: ResponseStream): void;
}

/** One response that carries messages down. Its records are JSON texts without line feeds. */
export class ResponseStream {
  /** Characters that were written. */
  written = 0;
  private isEnded = false;
  private readonly format: Format;

  constructor(
    request: IncomingMessage,
    private readonly response: ServerResponse,
    listener: StreamListener,
  ) {
    this.format = request.headers.accept?.includes('text/event-stream') === true ? SSE : NDJSON;
    request.socket.setTimeout(0);
    request.socket.setNoDelay(true);
    // ends with its connection: HAProxy holds each chunk of a chunked response back for up to 200 ms
    response.shouldKeepAlive = false;
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, { ...HEADERS, 'Content-Type': this.format.type });
    response.on('drain', () => listener.onStreamDrain(this));
    response.on('close', () => {
      if (!this.isEnded) listener.onStreamLost(this);
      this.isEnded = true;
    });
  }

  /** Bytes that the operating system has not taken. */
  get unwrittenBytes(): number {
    return this.response.writableLength;
  }
  get needsDrain(): boolean {
    return this.response.writableNeedDrain;
  }

  /** Writes records. @returns the number of characters */
  write(records: readonly string[]): number {
    const { before, after } = this.format;
    let text = '';
    for (const record of records) text += before + record + after;
    if (text === '' || this.isEnded) return 0;
    this.written += text.length;
    this.response.write(text);
    return text.length;
  }

  /** Ends the response, after these records. Calls back when it was written, or is lost. */
  end(records: readonly string[], done?: () => void): void {
    this.write(records);
    this.isEnded = true;
    const { response } = this;
    if (done !== undefined) response.once('close', done).once('finish', done);
    response.end();
    if (response.destroyed) return;
    // a client that reads no further would hold what is left, and no limit counts it any more
    const cut = setTimeout(() => response.destroy(), END_TIMEOUT);
    cut.unref();
    response.once('close', () => clearTimeout(cut));
  }

  /** Cuts the TCP connection. */
  destroy(): void {
    this.isEnded = true;
    this.response.destroy();
  }
}
