interface Broadcast {
  readonly packet?: { readonly data?: unknown } | null;
  readonly opts?: unknown;
}

/**
 * Adapters would take a damaged target, one without rooms, for everybody.
 *
 * @throws TypeError
 */
export function checkTarget(target: unknown): void {
  const { rooms, except } = Object(target) as { rooms?: unknown; except?: unknown };
  if (!Array.isArray(rooms) || !Array.isArray(except)) throw new TypeError('a message has no target');
}

/**
 * What `ClusterAdapter` has of a broadcast.
 *
 * @throws TypeError
 */
export function checkBroadcast(data: unknown): void {
  const { packet, opts } = Object(data) as Broadcast;
  checkTarget(opts);
  if (!Array.isArray(packet?.data) || typeof packet.data[0] !== 'string')
    throw new TypeError('a message has no event');
}
