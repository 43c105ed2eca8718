import { WebSocket } from 'ws';
import { guardReceiver } from '../ws/receiver-guard.js';
import type { Refusal, SocketConstructor } from './web-socket.js';

/** Milliseconds that a socket waits for the server's part of a goodbye: it keeps the process alive. */
const CLOSE_TIMEOUT = 5_000;

/** As `ws` tells of an upgrade that was refused. */
interface Response {
  readonly statusCode?: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface Telling {
  on?(event: 'unexpected-response', listener: (request: unknown, response: Response) => void): void;
  on?(event: 'open', listener: () => void): void;
  terminate(): void;
}

/**
 * Keeps how an upgrade was refused, which a socket of `ws` alone lets anybody see: that, or one that extends it. Guards its
 * receiver against the server, too.
 */
export function telling(Socket: SocketConstructor): SocketConstructor {
  return class extends Socket {
    override refusal: Refusal | undefined;

    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      const socket = this as unknown as Telling;
      socket.on?.('open', () => guardReceiver(this as unknown as WebSocket));
      socket.on?.('unexpected-response', (_request, { statusCode = 0, headers }) => {
        this.refusal = { status: statusCode, retryAfter: timeOf(headers['retry-after']) };
        socket.terminate();
      });
    }
  };
}

/** The socket of `ws`. */
export class NodeSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    // its types do not know the option yet
    super(url, protocols, { closeTimeout: CLOSE_TIMEOUT } as object);
  }
}

/** Milliseconds: the header has seconds, or a date (RFC 9110, section 10.2.3). */
function timeOf(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1_000 || undefined;
  // Date.parse makes a date of almost anything
  const time = HTTP_DATE.test(header) ? Date.parse(header) - Date.now() : 0;
  return time > 0 ? time : undefined;
}

/** `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that servers send (RFC 9110, section 5.6.7). */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
