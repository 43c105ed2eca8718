import type { IncomingMessage } from 'node:http';
import { WebSocket, type ClientOptions } from 'ws';
import { readMessage } from '../client/message.js';
import { guardReceiver } from '../ws/receiver-guard.js';
import type { SocketLike } from '../client/web-socket.js';

/** How a connection ended. */
export interface ClosedLine {
  /** The close code. 1006 if no close frame arrived. */
  readonly code: number;
  readonly reason: string;
}

/**
 * `createTestClient` rejects with this error if the server refuses the upgrade with an HTTP status.
 *
 * @example
 * await expect(createTestClient(app, { auth: 'expired' })).rejects.toMatchObject({ status: 401 });
 */
export class UpgradeRefusedError extends Error {
  override readonly name = 'UpgradeRefusedError';
  readonly code = 'ERR_ENVELOPE_UPGRADE_REFUSED';

  constructor(
    /** The HTTP status. */
    readonly status: number,
    readonly headers: Readonly<Record<string, string | string[] | undefined>>,
    /** The body of the response, parsed if it is JSON. */
    readonly body: unknown,
  ) {
    super(`the upgrade was refused with ${status}: ${JSON.stringify(body)}`);
  }
}

/** The WebSocket of a test client. It adds what tests need: headers, the refusal of an upgrade, `ping` and `terminate`. */
export class TestWebSocket implements SocketLike {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  /** Why the connection failed. */
  failure: Error | undefined;
  private readonly ws: WebSocket;
  private readonly pings = new Map<string, () => void>();
  private pingCount = 0;
  private readonly end: Promise<ClosedLine>;

  constructor(url: string, protocols: string[], options: ClientOptions) {
    this.ws = new WebSocket(url, protocols, options);
    this.ws.on('open', () => {
      guardReceiver(this.ws);
      this.onopen?.({} as never);
    });
    this.ws.on('message', (bytes: Buffer) => this.receive(bytes.toString()));
    this.ws.on('error', (error) => (this.failure ??= error));
    this.ws.on('unexpected-response', (_request, response) => void this.readRefusal(response));
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

  /** Resolves when the connection has closed. */
  ended(): Promise<ClosedLine> {
    return this.end;
  }

  /** Resolves after a round trip: everything that the server sent before has arrived then. */
  ping(): Promise<void> {
    const id = `settled-${++this.pingCount}`;
    return new Promise((resolve) => {
      this.pings.set(id, resolve);
      this.ws.send(JSON.stringify({ event: '$ping', id }));
    });
  }

  private receive(text: string): void {
    const ack = readMessage(text)?.ack;
    const answered = this.pings.get(ack as string);
    if (answered === undefined) return this.onmessage?.({ data: text } as never);
    this.pings.delete(ack as string);
    answered();
  }

  /** Reads the response of a refused upgrade. `ws` leaves it to the listener. */
  private async readRefusal(response: IncomingMessage): Promise<void> {
    const { statusCode = 0, headers } = response;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
    } catch {
      // keep the part of the body that arrived
    }
    this.failure = new UpgradeRefusedError(statusCode, headers, parseBody(Buffer.concat(chunks).toString()));
    this.ws.terminate();
  }
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
