import type { Conversation } from './conversation.js';
import type { IncomingRequest } from './incoming-request.js';

/**
 * Whether a handler of this client is at work, `handleConnection` and the middlewares before it included. A source of
 * many values may never come to an end, and does not count.
 *
 * @param beside a request that does not count either
 */
export function isAtWork(client: Conversation, beside?: IncomingRequest): boolean {
  if (client._isWaiting || client._running > client._streaming) return true;
  for (const request of client._requests?.values() ?? []) {
    if (request !== beside && !request.isStreaming) return true;
  }
  return false;
}
