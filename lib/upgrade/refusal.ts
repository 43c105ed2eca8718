import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

const CONTENT_TYPE = 'application/json; charset=utf-8';

/** A refusal's body and headers, shaped as Nest's HTTP exceptions are: what `ws`'s verdict takes. */
export function jsonRefusal(
  statusCode: number,
  message: string,
): [body: string, headers: Record<string, string>] {
  const body = JSON.stringify({ statusCode, message, error: STATUS_CODES[statusCode] });
  return [body, { 'Content-Type': CONTENT_TYPE }];
}

/** Answers an upgrade that leads nowhere; the body reflects nothing of the request. */
export function refuseUpgrade(socket: Duplex, statusCode: number, message: string): void {
  const [body] = jsonRefusal(statusCode, message);
  socket.on('error', () => socket.destroy());
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}\r\nConnection: close\r\nContent-Type: ${CONTENT_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
