/** The part of a WebSocket that the client uses. Browsers, workers, Node, Deno, Bun, React Native and `ws` have it. */
export interface SocketLike {
  readonly protocol: string;
  readonly readyState?: number;
  readonly bufferedAmount?: number;
  /** Why the upgrade was refused, on platforms that report it. */
  readonly refusal?: UpgradeRefusal | undefined;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: string | ArrayBuffer): void;
  close(code?: number, reason?: string): void;
}

/** A WebSocket class, for the option `WebSocket`. */
export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** The HTTP response that refused an upgrade. */
export interface UpgradeRefusal {
  readonly status: number;
  /** Milliseconds until the client may reconnect, from `Retry-After`. */
  readonly retryAfter: number | undefined;
}

/** Returns the global `WebSocket`; `undefined` if the platform has none. */
export function platformSocket(): SocketConstructor | undefined {
  return (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
}

/** Returns the text of a message. Binary messages hold the same JSON as UTF-8. */
export function textOf(data: unknown): string {
  return typeof data === 'string' ? data : new TextDecoder().decode(data as ArrayBuffer);
}
