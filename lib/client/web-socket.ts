/** What the client needs of a WebSocket: a browser's, and those of Node, Deno, Bun, React Native, workers and `ws`. */
export interface SocketLike {
  readonly protocol: string;
  readonly readyState?: number;
  readonly bufferedAmount?: number;
  /** Why the upgrade was refused, where the platform tells. */
  readonly refusal?: Refusal | undefined;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** An HTTP answer in the place of the upgrade. */
export interface Refusal {
  readonly status: number;
  /** Milliseconds until the client may come back, as the server asked for. */
  readonly retryAfter: number | undefined;
}

/** The WebSocket of a browser, and of all platforms that have its. */
export function platformSocket(): SocketConstructor | undefined {
  return (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
}

/** The text of a message; binary ones hold the same as UTF-8. */
export function textOf(data: unknown): string {
  return typeof data === 'string' ? data : new TextDecoder().decode(data as ArrayBuffer);
}
