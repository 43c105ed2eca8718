/** Names that `emit` refuses, as in Socket.IO 4: a listener on the other side would take them for its own. */
const RESERVED = new Set([
  'connect',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
]);

/** Whether a peer may not send it: it would be taken for the client's own, or the protocol's. */
export function isReserved(event: string): boolean {
  return RESERVED.has(event) || event.charCodeAt(0) === 0x24;
}

/**
 * @throws Error where `event` is no name for an event of the application: empty, reserved, or one of the
 * protocol's own (`$…`)
 */
export function assertEmittable(event: string): void {
  if (typeof event !== 'string' || event.length === 0)
    throw new Error('an event name must be a non-empty string');
  if (RESERVED.has(event)) throw new Error(`"${event}" is a reserved event name`);
  if (event.charCodeAt(0) === 0x24)
    throw new Error(`"${event}": names that begin with "$" are the protocol's own`);
}
