import { connect, type Socket } from 'node:net';

const open = new Set<Socket>();

/** Closes all raw connections that are open. */
export function closeRawRequests(): void {
  for (const tcp of open) tcp.destroy();
}

/** The response to a request. Status 0 means none. */
export interface UpgradeResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Sends exactly these characters as Latin-1. Resolves with the response. */
export function requestRaw(port: number, request: string, host?: string): Promise<UpgradeResponse> {
  return beginRaw(port, request, host).answer;
}

/** The same, and returns the TCP connection as well. */
export function beginRaw(
  port: number,
  request: string,
  host = '127.0.0.1',
): { tcp: Socket; answer: Promise<UpgradeResponse> } {
  const tcp = connect({ port, host, allowHalfOpen: true });
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
