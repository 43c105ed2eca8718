import { randomInt } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import {
  beginRaw,
  closeRawRequests,
  requestRaw,
  type UpgradeResponse,
} from '../../lib/conformance/raw-request.js';

export { requestRaw, type UpgradeResponse };

afterEach(closeRawRequests);

/**
 * Requests an upgrade over raw TCP. Resolves with the response; after a 101, only its head. Status 0 means no response.
 */
export function requestUpgrade(
  port: number,
  target: string,
  headers: Record<string, string> = {},
): Promise<UpgradeResponse> {
  return beginUpgrade(port, target, headers).answer;
}

/** Requests an upgrade, and returns the TCP connection and the promised response. */
export function beginUpgrade(
  port: number,
  target: string,
  headers: Record<string, string> = {},
): { tcp: Socket; answer: Promise<UpgradeResponse> } {
  const fields = {
    Host: `127.0.0.1:${port}`,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return beginRaw(port, `GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`);
}

/** The range lies below the ports that systems give to outgoing connections and to servers on port 0. */
const [FIRST_PORT, LAST_PORT] = [10_000, 32_000];

/** Returns a free port. No connection takes it before a program listens on it, or while that program is restarted. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.on('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
