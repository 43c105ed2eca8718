import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RateIdentity } from '../handshake/client-info.js';
import { channels, type RefusalReason } from '../diagnostics/channels.js';
import { NO_ADDRESS } from './client-address.js';

/** An HTTP response that refuses an upgrade. */
export interface HttpRefusal {
  readonly status: number;
  /** The body, which is sent as JSON. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** See the channel `upgrade.refuse`. It is not sent. */
  readonly why?: RefusalReason;
}

/** The header that tells a client to retry after 5 seconds. */
export const RETRY_AFTER = { 'Retry-After': '5' };

/** Returns a refusal with a body in the form of Nest's HTTP exceptions. */
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

/** Returns the refusal with its reason. */
export function because(why: RefusalReason, given: HttpRefusal): HttpRefusal {
  return { ...given, why };
}

/**
 * Publishes a refusal on the diagnostics channel `upgrade.refuse`.
 *
 * @param identify returns by what limits count the client, if that is known. Called only if the channel has a subscriber
 */
export function publishRefusal(
  request: IncomingMessage,
  { status, why }: HttpRefusal,
  identify: () => RateIdentity | undefined,
): void {
  if (!channels.upgradeRefuse.hasSubscribers) return;
  const { rateKey, isShared = false } = identify() ?? {};
  const address = rateKey === NO_ADDRESS ? undefined : rateKey;
  channels.upgradeRefuse.publish({ request, status, why, address, isShared });
}

/** Refuses an upgrade with an HTTP response, then closes the socket. Adds nothing of the request to the body. */
export function writeRefusal(socket: Duplex, { status, body, headers }: HttpRefusal): void {
  const text = toText(status, body);
  const fields = {
    Connection: 'close',
    'Content-Type': 'application/json; charset=utf-8',
    ...headers,
    'Content-Length': Buffer.byteLength(text),
  };
  const lines = Object.entries(fields).map(
    ([name, value]) => `${name}: ${value.toString().replace(LINE_BREAKS, ' ')}\r\n`,
  );
  socket.on('error', () => socket.destroy());
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\n${lines.join('')}\r\n${text}`);
}

/** Refuses a plain HTTP request, then closes its connection, unless it is to be kept. */
export function answerRefusal(
  response: ServerResponse,
  { status, body, headers }: HttpRefusal,
  keepsConnection = false,
): void {
  if (response.headersSent) return void response.destroy();
  const text = toText(status, body);
  for (const [name, value] of Object.entries(headers ?? {})) setHeader(response, name, value);
  if (!keepsConnection) response.setHeader('Connection', 'close');
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(text);
}

/** Sets a header, which may be the application's. Leaves one out that HTTP cannot carry: the client is to get its answer. */
function setHeader(response: ServerResponse, name: string, value: string): void {
  try {
    response.setHeader(name, value.replace(LINE_BREAKS, ' '));
  } catch {
    // its name or its value has characters that Node refuses
  }
}

/** Line breaks in a header's value, which could begin another header. */
const LINE_BREAKS = /[\r\n]+/g;

/** Returns the body as JSON. The body may be the application's data, which JSON may not be able to carry. */
function toText(status: number, body: unknown): string {
  try {
    return JSON.stringify(body) ?? '';
  } catch {
    return JSON.stringify(refusal(status, STATUS_CODES[status] ?? 'Refused').body);
  }
}
