import { WebSocket } from 'ws';
import { guardReceiver } from '../ws/receiver-guard.js';
import { parseRetryAfter } from './retry-after.js';
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
export class NodeWebSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    // the types of `ws` lack the option
    super(url, protocols, { closeTimeout: CLOSE_TIMEOUT } as object);
  }
}
