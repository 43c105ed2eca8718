import type { EnvelopeSocket } from './envelope-socket.js';
import type { IncomingRequest } from './incoming-request.js';

/**
 * Whether a handler of this client is running, `handleConnection` and the middlewares before it included. A source of many
 * values may never end, and does not count.
 *
 * @param except a request that does not count either
 */
export function isBusy(client: EnvelopeSocket, except?: IncomingRequest): boolean {
  return client._lifecycle.isConnecting || client._requestsIfAny?.isBusy(except) === true;
}
