import type { Duplex } from 'node:stream';

type EndListener = (this: Duplex) => void;

/** Of `ws`: one function for all connections. */
let listenerOfWs: EndListener | undefined;

/**
 * When the peer ends the TCP connection, `ws` ends its side and its reader, also where both have ended: Node makes an
 * error for each, with its stack, and nobody sees it. That is a tenth of what it costs a server to accept a connection
 * and to close it again. Where `ws` is not as it is known to be, nothing is changed.
 */
export function ignoreEndAfterClose(tcp: Duplex): void {
  const listener = (tcp.listeners('end') as EndListener[]).at(-1);
  if (listener?.name !== 'socketOnEnd') return;
  listenerOfWs ??= listener;
  if (listener === listenerOfWs) tcp.off('end', listener).on('end', onEnd);
}

/** This side ends only after the peer's close frame, or at the hand of whoever has the socket: then its close is all. */
function onEnd(this: Duplex): void {
  if (!this.writableEnded) listenerOfWs!.call(this);
}
