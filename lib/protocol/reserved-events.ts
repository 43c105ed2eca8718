import { withCode } from './with-code.js';

/**
 * Names that neither peer may send and neither accepts (PROTOCOL.md, "Reserved names"). Listeners for them are meant for what
 * happens on the own side: the lifecycle of a connection, as in Socket.IO 4, and Node's emitters.
 */
export const RESERVED_EVENTS: readonly string[] = [
  'connect',
  'connection',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
];

const RESERVED: ReadonlySet<string> = new Set(RESERVED_EVENTS);
const DOLLAR = 0x24;

/** Whether a peer must not send an event of that name: it is reserved, or one of the protocol's own (`$…`). */
export function isReserved(event: string): boolean {
  return RESERVED.has(event) || event.charCodeAt(0) === DOLLAR;
}

/**
 * @throws Error where `event` is no name for an event of the application: empty, reserved, or one of the
 * protocol's own (`$…`)
 */
export function assertEmittable(event: string): void {
  if (typeof event !== 'string' || event.length === 0)
    throw withCode('ERR_ENVELOPE_INVALID_EVENT', new Error('an event name must be a non-empty string'));
  if (RESERVED.has(event))
    throw withCode('ERR_ENVELOPE_RESERVED_EVENT', new Error(`"${event}" is a reserved event name`));
  if (event.charCodeAt(0) === DOLLAR)
    throw withCode(
      'ERR_ENVELOPE_RESERVED_EVENT',
      new Error(`"${event}": names that begin with "$" are the protocol's own`),
    );
}
