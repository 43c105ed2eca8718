import { withCode } from './with-code.js';

/**
 * Names that no peer may send and no peer accepts (PROTOCOL.md, "Reserved names"). They are local events: the lifecycle of a
 * connection, as in Socket.IO 4, and those of Node's EventEmitter.
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

/** Whether a peer must not send an event of this name: it is reserved, or begins with `$` and so belongs to the protocol. */
export function isReserved(event: string): boolean {
  return RESERVED.has(event) || event.charCodeAt(0) === DOLLAR;
}

/**
 * Checks that an application may emit an event of this name.
 *
 * @throws Error if the name is empty, not a string, reserved, or begins with `$`
 */
export function assertEmittable(event: string): void {
  if (typeof event !== 'string' || event.length === 0)
    throw withCode('ERR_ENVELOPE_INVALID_EVENT', new Error('an event name must be a non-empty string'));
  if (RESERVED.has(event))
    throw withCode('ERR_ENVELOPE_RESERVED_EVENT', new Error(`"${event}" is a reserved event name`));
  if (event.charCodeAt(0) === DOLLAR)
    throw withCode(
      'ERR_ENVELOPE_RESERVED_EVENT',
      new Error(`"${event}": names that begin with "$" are reserved for the protocol`),
    );
}
