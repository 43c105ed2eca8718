import type { WebSocket } from 'ws';

/** The decompressors that wait for the next message of their connections. Each takes some 50 kB. */
const MAX_KEPT = 128;

/** The part of `ws`'s `PerMessageDeflate` that this file relies on. */
interface Extension {
  decompress(data: unknown, isLast: boolean, done: (error: Error | null, message?: Buffer) => void): void;
  cleanup(): void;
}

/** The extensions that have a decompressor and do not use it at the moment, the longest unused first. */
const kept = new Set<Extension>();

/**
 * Makes `ws` release the decompressor of a connection, unless the connection is one of the last ones that have received a
 * compressed message. Otherwise each connection keeps one from its first compressed message on. Only for connections with
 * `client_no_context_takeover`, whose messages do not depend on each other.
 *
 * `ws` does not expose its extensions. If it is not found in the receiver, this function does nothing.
 */
export function limitInflaters(ws: WebSocket): void {
  const extension = extensionOf(ws);
  if (extension === undefined) return;
  const decompress = extension.decompress.bind(extension);
  const cleanup = extension.cleanup.bind(extension);
  extension.decompress = (data, isLast, done) => {
    kept.delete(extension);
    decompress(data, isLast, (error, message) => {
      if (isLast && error === null) keep(extension);
      done(error, message);
    });
  };
  extension.cleanup = () => {
    kept.delete(extension);
    cleanup();
  };
}

function keep(extension: Extension): void {
  kept.add(extension);
  if (kept.size <= MAX_KEPT) return;
  const [oldest] = kept;
  oldest!.cleanup();
}

function extensionOf(ws: WebSocket): Extension | undefined {
  const receiver = Object(Reflect.get(ws, '_receiver'));
  const extension: unknown = Object(Reflect.get(receiver, '_extensions'))['permessage-deflate'];
  const isKnown =
    typeof Reflect.get(Object(extension), 'decompress') === 'function' &&
    typeof Reflect.get(Object(extension), 'cleanup') === 'function';
  return isKnown ? (extension as Extension) : undefined;
}
