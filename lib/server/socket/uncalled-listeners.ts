import { RESERVED_EVENTS } from '../../protocol/reserved-events.js';
import { CONNECTION_EVENTS, PAST_EVENTS } from './connection-events.js';
import { isFirstCall } from '../util/first-call.js';
import type { NamespaceContract } from './namespace-contract.js';

// Node's emitter calls these
const CALLED_BY_NODE = ['newListener', 'removeListener'];
const NEVER_CALLED: ReadonlySet<string> = new Set([
  ...PAST_EVENTS,
  ...RESERVED_EVENTS.filter((event) => !CONNECTION_EVENTS.has(event) && !CALLED_BY_NODE.includes(event)),
]);

/** Warns of a listener on a client that is never called; once for each path and event. */
export function warnOfUncalledListener(server: NamespaceContract, event: string): void {
  if (!NEVER_CALLED.has(event) || !isFirstCall(server._config, `client.on ${event}`)) return;
  const why = PAST_EVENTS.has(event)
    ? `The connection is open already. For a client's event, use @SubscribeMessage('${event}').`
    : 'Clients must not send a reserved name. Use handleConnection, or another name for an event.';
  server._warn(`a listener for ${event}`, `client.on('${event}') never calls its listener. ${why}`);
}
