/** What the client needs of a WebSocket: a browser's, and those of Node, Deno, Bun, React Native, workers and `ws`. */
export interface SocketLike {
  readonly protocol: string;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** An answer to an upgrade that was refused, which `ws` alone lets anybody see. */
interface Refusal {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  resume?(): void;
}

interface Telling {
  on(event: 'unexpected-response', listener: (request: unknown, response: Refusal) => void): void;
  terminate(): void;
}

/** The WebSocket of a browser, and of all platforms that have its. */
export function platformSocket(): SocketConstructor | undefined {
  return (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
}

/** Hears with which HTTP status an upgrade was refused, and when to come back. */
export function onRefusal(
  socket: SocketLike,
  listener: (status: number, retryAfter: number | undefined) => void,
): void {
  const telling = socket as unknown as Partial<Telling>;
  if (typeof telling.on !== 'function') return;
  telling.on('unexpected-response', (_request, { statusCode = 0, headers }) => {
    telling.terminate?.();
    listener(statusCode, retryAfter(headers?.['retry-after']));
  });
}

/** Milliseconds: the header has seconds, or a date (RFC 9110, section 10.2.3). */
function retryAfter(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  const time = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return time > 0 ? time : undefined;
}

/** The text of a message; binary ones hold the same as UTF-8. */
export function textOf(data: unknown): string {
  return typeof data === 'string' ? data : new TextDecoder().decode(data as ArrayBuffer);
}
