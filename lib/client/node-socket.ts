import { WebSocket } from 'ws';
import type { Refusal } from './web-socket.js';

/** The socket of `ws`, which alone lets anybody see how an upgrade was refused. */
export class NodeSocket extends WebSocket {
  refusal: Refusal | undefined;

  constructor(url: string, protocols: string[]) {
    super(url, protocols);
    this.on('unexpected-response', (_request, { statusCode = 0, headers }) => {
      this.refusal = { status: statusCode, retryAfter: timeOf(headers['retry-after']) };
      this.terminate();
    });
  }
}

/** Milliseconds: the header has seconds, or a date (RFC 9110, section 10.2.3). */
function timeOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const time = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return time > 0 ? time : undefined;
}
