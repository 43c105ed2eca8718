import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

const open = new Set<Socket>();
afterEach(() => {
  for (const tcp of open) tcp.destroy();
});

export interface UpgradeResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

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

/** Sends exactly these characters as Latin-1. Resolves with the response. */
export function requestRaw(port: number, request: string): Promise<UpgradeResponse> {
  return beginRaw(port, request).answer;
}

function beginRaw(port: number, request: string): { tcp: Socket; answer: Promise<UpgradeResponse> } {
  const tcp = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  open.add(tcp);
  const answer = new Promise<UpgradeResponse>((resolve, reject) => {
    let text = '';
    tcp.on('data', (chunk) => {
      text += String(chunk);
      if (isComplete(parse(text))) tcp.destroy();
    });
    tcp.on('end', () => tcp.end());
    tcp.on('close', () => {
      open.delete(tcp);
      resolve(parse(text));
    });
    // a server that refuses a large request may reset the connection during it
    tcp.on('error', (error) => text === '' && reject(error));
  });
  tcp.write(request, 'latin1');
  return { tcp, answer };
}

function isComplete({ status, headers, body }: UpgradeResponse): boolean {
  return status === 101 || Buffer.byteLength(body) >= Number(headers['content-length'] ?? Infinity);
}

function parse(text: string): UpgradeResponse {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return { status: 0, headers: {}, body: '' };
  const head = text.slice(0, end);
  const [status = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line) => line.split(': ') as [string, string]);
  return {
    status: Number(status.split(' ')[1] ?? 0),
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
    body: text.slice(end + 4),
  };
}

/** Returns a free port. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, () => resolve()));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
