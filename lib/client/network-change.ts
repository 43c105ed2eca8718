/** A page, or a worker. */
type Target = Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>;

/**
 * Hears that the device has a network again, or none any more, where the platform tells.
 *
 * @returns what ends that
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
