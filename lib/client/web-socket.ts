/**
 * The part of a WebSocket that the client uses. Browsers, workers, Node, Deno, Bun, React Native and `ws` have it.
 *
 * @example
 * const webSocket: SocketLike = new WebSocket('wss://example.com/chat', ['envelope.v1']);
 */
export interface SocketLike {
  readonly protocol: string;
  readonly readyState?: number;
  readonly bufferedAmount?: number;
  /** The name of the transport, if it is not a WebSocket. */
  readonly transport?: string | undefined;
  /** Why the upgrade was refused, on platforms that report it. */
  readonly refusal?: UpgradeRefusal | undefined;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  /** Sends one message. */
  send(data: string | ArrayBuffer): void;
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void;
}

/** A WebSocket class, for the option `WebSocket`. */
export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** The options of a client that concern its transports. Times are in milliseconds. */
export interface TransportSettings {
  readonly connectTimeout: number;
  readonly pingTimeout: number;
  readonly codec: { readonly protocol: string };
}

/**
 * A way to carry messages besides a WebSocket, for the option `transports`: what `http()` of `nestjs-envelope/client/http` returns. It
 * returns a class with the members of a WebSocket that a client uses.
 *
 * @param WebSocket the class of the transport that is listed before; `undefined` for the first one
 */
export type Transport = (
  WebSocket: SocketConstructor | undefined,
  settings: TransportSettings,
) => SocketConstructor;

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
