import { assertOptions, refuse } from '../protocol/refuse.js';
import { FallbackSocket } from './fallback-socket.js';
import { checkOptions, type HttpOptions } from './http-request.js';
import { HttpSocket } from './http-socket.js';
import type { Transport } from './web-socket.js';

export type { HttpOptions } from './http-request.js';
export type { Transport, TransportSettings } from './web-socket.js';

const DAY = 24 * 60 * 60 * 1_000;
const OPTIONS = ['credentials', 'webSocketRetryDelay'];

/**
 * Lets `connect` use HTTP where the network lets no WebSocket through: messages arrive in a response that does not end, and are sent
 * in POSTs (PROTOCOL.md, "HTTP streaming"). The server needs `transports: [httpStreaming()]`. Everything else of the client stays
 * the same; `socket.transport` is `'http'` then.
 *
 * In `['websocket', http()]`, HTTP is tried after a WebSocket did not open: without an HTTP status, with one below 400, or with
 * 400, 404, 405, 426, 501, 502 or 504. Where a WebSocket has worked in this page or process before, and there is no status or one
 * from 500 on, it is tried after three failures in a row: the server may restart. If HTTP works, further connections to the URL
 * begin with it for a day, or until the network changes. `[http()]` uses HTTP alone.
 *
 * Needs `fetch` with a response that can be read while it arrives: browsers and Node have it, React Native does not.
 *
 * @example
 * const socket = connect('wss://example.com/chat', { transports: ['websocket', http()] });
 *
 * @throws TypeError that names the option, if one is unknown or malformed, or if the client has a `codec`
 */
export function http(options: HttpOptions = {}): Transport {
  assertOptions('http', options, OPTIONS, "{ credentials: 'include' }");
  checkOptions(options);
  const { webSocketRetryDelay = DAY } = options;
  return (WebSocket, { codec, connectTimeout, pingTimeout }) => {
    if (codec.protocol !== 'envelope.v1')
      refuse('connect', 'codec', codec.protocol, 'JSON beside http(): leave it out');
    const openHttp = (url: string, protocols: string[]): HttpSocket =>
      new HttpSocket(url, protocols, options, pingTimeout);
    if (WebSocket === undefined)
      return class extends HttpSocket {
        constructor(url: string, protocols: string[]) {
          super(url, protocols, options, pingTimeout);
        }
      };
    const transports = { WebSocket, openHttp, handshakeTimeout: connectTimeout / 2, webSocketRetryDelay };
    return class extends FallbackSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, transports);
      }
    };
  };
}
