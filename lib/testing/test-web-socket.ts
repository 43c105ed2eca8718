import type { IncomingMessage } from 'node:http';
import { WebSocket, type ClientOptions } from 'ws';
import { readFrame } from '../client/message.js';
import { guardReceiver } from '../ws/receiver-guard.js';
import type { SocketLike } from '../client/web-socket.js';

/** How a line ended. */
export interface ClosedLine {
  /** The close code; 1006 where there was none. */
  readonly code: number;
  readonly reason: string;
}

/** The server refused the upgrade: no line was opened. */
export class UpgradeRefusedError extends Error {
  override readonly name = 'UpgradeRefusedError';

  constructor(
    /** The HTTP status. */
    readonly status: number,
    readonly headers: Readonly<Record<string, string | string[] | undefined>>,
    /** What the server said: parsed where it was JSON. */
    readonly body: unknown,
  ) {
    super(`the upgrade was refused with ${status}: ${JSON.stringify(body)}`);
  }
}

/** One socket of `ws` in the hands of the client, and what a test wants to know of it. */
export class TestWebSocket implements SocketLike {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  /** Why there is no line. */
  failure: Error | undefined;
  private readonly ws: WebSocket;
  private readonly pings = new Map<string, () => void>();
  private count = 0;
  private readonly end: Promise<ClosedLine>;

  constructor(url: string, protocols: string[], options: ClientOptions) {
    this.ws = new WebSocket(url, protocols, options);
    this.ws.on('open', () => {
      guardReceiver(this.ws);
      this.onopen?.({} as never);
    });
    this.ws.on('message', (bytes: Buffer) => this.take(bytes.toString()));
    this.ws.on('error', (error) => (this.failure ??= error));
    this.ws.on('unexpected-response', (_request, response) => void this.refused(response));
    this.end = new Promise((resolve) => {
      this.ws.on('close', (code, reason) => {
        const closed = { code, reason: reason.toString() };
        resolve(closed);
        this.onclose?.(closed as never);
      });
    });
  }

  get protocol(): string {
    return this.ws.protocol;
  }

  get bufferedAmount(): number {
    return this.ws.bufferedAmount;
  }

  send(data: string): void {
    this.ws.send(data);
  }

  close(code?: number, reason?: string): void {
    this.ws.close(code, reason);
  }

  terminate(): void {
    this.ws.terminate();
  }

  /** Resolves once the connection is gone for good. */
  ended(): Promise<ClosedLine> {
    return this.end;
  }

  /** A round trip: what the server sent before it has come then. */
  ping(): Promise<void> {
    const id = `settled-${++this.count}`;
    return new Promise((resolve) => {
      this.pings.set(id, resolve);
      this.ws.send(JSON.stringify({ event: '$ping', id }));
    });
  }

  private take(text: string): void {
    const ack = readFrame(text)?.ack;
    const answered = this.pings.get(ack as string);
    if (answered === undefined) return this.onmessage?.({ data: text } as never);
    this.pings.delete(ack as string);
    answered();
  }

  /** `ws` leaves the response to whoever listens. */
  private async refused(response: IncomingMessage): Promise<void> {
    const { statusCode = 0, headers } = response;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
    } catch {
      // what was said until then will do
    }
    this.failure = new UpgradeRefusedError(statusCode, headers, parsed(Buffer.concat(chunks).toString()));
    this.ws.terminate();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
