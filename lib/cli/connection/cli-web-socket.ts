import type { IncomingMessage } from 'node:http';
import { WebSocket, type RawData } from 'ws';
import type { SocketConstructor } from '../../client/web-socket.js';
import type { Upgrade } from './credentials.js';

/** Milliseconds to wait for the server's close frame. A waiting socket keeps the process alive. */
const CLOSE_TIMEOUT = 2_000;
/** Characters of a refusal's body that are shown. */
const MAX_BODY = 2_000;
/** Milliseconds to wait for the body of a refusal. */
const BODY_TIMEOUT = 1_000;

/** What a WebSocket reports, in the order in which it happens on the wire. */
export interface WireListener {
  created?(socket: CliWebSocket): void;
  sent?(text: string): void;
  received?(text: string): void;
}

/** The WebSocket of a command: that of `ws`, with headers, which reports its messages and keeps the body of a refusal. */
export class CliWebSocket extends WebSocket {
  /** The beginning of the body of the response that refused the upgrade. */
  refusalBody = '';
  readonly ended: Promise<void>;
  #reading: Promise<void> | undefined;
  readonly #wire: WireListener;

  constructor(url: string, protocols: string[], upgrade: Upgrade, isInsecure: boolean, wire: WireListener) {
    // the types of `ws` lack closeTimeout
    super(url, [...protocols, ...upgrade.protocols], {
      headers: { ...upgrade.headers },
      rejectUnauthorized: !isInsecure,
      closeTimeout: CLOSE_TIMEOUT,
    } as object);
    this.#wire = wire;
    this.ended = new Promise((resolve) => this.once('close', () => resolve()));
    // before the listeners of the client library
    this.on('message', (data: RawData) => wire.received?.(textOf(data)));
    this.on('unexpected-response', (_request, response) => {
      this.#reading = this.#readBody(response);
    });
    // an error without a listener would end the process; the client library reports it
    this.on('error', () => undefined);
    wire.created?.(this);
  }

  override send(...args: unknown[]): void {
    this.#wire.sent?.(String(args[0]));
    (super.send as (...args: unknown[]) => void)(...args);
  }

  /** Ends the connection; that of a refused upgrade when its body is read. */
  override terminate(): void {
    if (this.#reading === undefined) super.terminate();
    else void this.#reading.then(() => super.terminate());
  }

  /** Resolves after a round trip: the server has received what was sent before, and what it sent before has arrived. */
  async roundTrip(): Promise<void> {
    const answered = new Promise<void>((resolve) => this.once('pong', () => resolve()));
    this.ping();
    await Promise.race([answered, this.ended]);
  }

  async #readBody(response: IncomingMessage): Promise<void> {
    const timer = setTimeout(() => response.destroy(), BODY_TIMEOUT);
    try {
      for await (const chunk of response) {
        this.refusalBody += String(chunk);
        if (this.refusalBody.length > MAX_BODY) break;
      }
    } catch {
      // keep the part of the body that arrived
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Returns the class for the option `WebSocket` of the client library. */
export function webSocketClass(upgrade: Upgrade, isInsecure: boolean, wire: WireListener): SocketConstructor {
  return class extends CliWebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, upgrade, isInsecure, wire);
    }
  } as unknown as SocketConstructor;
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.from(data as Buffer).toString();
}
