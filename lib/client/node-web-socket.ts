import { WebSocket } from 'ws';
import { guardReceiver } from '../ws/receiver-guard.js';
import type { SocketConstructor, UpgradeRefusal } from './web-socket.js';

/** Milliseconds to wait for the server's close frame. A waiting socket keeps the process alive. */
const CLOSE_TIMEOUT = 5_000;

/** The part of an HTTP response that `unexpected-response` of `ws` passes on. */
interface Response {
  readonly statusCode?: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Events of `ws` that a WebSocket class from the options may lack. */
interface WsEvents {
  on?(event: 'unexpected-response', listener: (request: unknown, response: Response) => void): void;
  on?(event: 'open', listener: () => void): void;
  terminate(): void;
}

/**
 * Returns a WebSocket class that keeps the status and `Retry-After` of a refused upgrade in `refusal`. Only `ws`, and classes that
 * extend it, report them. It also guards the receiver of `ws` against malformed frames of the server.
 */
export function withRefusal(Socket: SocketConstructor): SocketConstructor {
  return class extends Socket {
    override refusal: UpgradeRefusal | undefined;

    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      const socket = this as unknown as WsEvents;
      socket.on?.('open', () => guardReceiver(this as unknown as WebSocket));
      socket.on?.('unexpected-response', (_request, { statusCode = 0, headers }) => {
        this.refusal = { status: statusCode, retryAfter: parseRetryAfter(headers['retry-after']) };
        socket.terminate();
      });
    }
  };
}

/** The WebSocket of `ws`, with a shorter close timeout. */
export class NodeSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    // the types of `ws` lack the option
    super(url, protocols, { closeTimeout: CLOSE_TIMEOUT } as object);
  }
}

/** Returns `Retry-After` in milliseconds. The header holds seconds or a date (RFC 9110, section 10.2.3). */
function parseRetryAfter(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1_000 || undefined;
  // Date.parse accepts almost any text
  const time = HTTP_DATE.test(header) ? Date.parse(header) - Date.now() : 0;
  return time > 0 ? time : undefined;
}

/** `Sun, 06 Nov 1994 08:49:37 GMT`, the only form that servers may send (RFC 9110, section 5.6.7). */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
