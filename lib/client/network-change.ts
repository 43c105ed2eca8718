/** The global object of a page or a worker. */
type Target = Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>;

/**
 * Calls the listeners when the device gains or loses its network, on platforms with the `online` and `offline` events.
 *
 * @returns a function that removes the listeners
 */
export function onNetworkChange(online: () => unknown, offline: () => unknown): () => void {
  const target = globalThis as Target;
  target.addEventListener?.('online', online);
  target.addEventListener?.('offline', offline);
  return () => {
    target.removeEventListener?.('online', online);
    target.removeEventListener?.('offline', offline);
  };
}
