import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { channels } from '../diagnostics/channels.js';

/** An HTTP answer that takes the place of the 101. */
export interface HttpRefusal {
  readonly status: number;
  /** What the body says, as JSON. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** For who may come again: in so many seconds. */
export const RETRY_AFTER = { 'Retry-After': '5' };

/** A refusal shaped as Nest's HTTP exceptions are. */
export function refusal(
  status: number,
  message: string,
  headers?: Readonly<Record<string, string>>,
): HttpRefusal {
  return {
    status,
    body: { statusCode: status, message, error: STATUS_CODES[status] },
    ...(headers && { headers }),
  };
}

/** Answers an upgrade; what the body reflects of the request is the refusal's own doing. */
export function refuseUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  { status, body, headers }: HttpRefusal,
): void {
  if (channels.upgradeRefuse.hasSubscribers) channels.upgradeRefuse.publish({ request, status });
  const text = toText(status, body);
  const fields = {
    Connection: 'close',
    'Content-Type': 'application/json; charset=utf-8',
    ...headers,
    'Content-Length': Buffer.byteLength(text),
  };
  const lines = Object.entries(fields).map(
    ([name, value]) => `${name}: ${value.toString().replace(LINE_ENDS, ' ')}\r\n`,
  );
  socket.on('error', () => socket.destroy());
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\n${lines.join('')}\r\n${text}`);
}

/** A header's value is one line, whatever it was made of. */
const LINE_ENDS = /[\r\n]+/g;

/** The body may be users' data. */
function toText(status: number, body: unknown): string {
  try {
    return JSON.stringify(body) ?? '';
  } catch {
    return JSON.stringify(refusal(status, STATUS_CODES[status] ?? 'Refused').body);
  }
}
