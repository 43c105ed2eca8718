import type { Conversation } from './conversation.js';
import type { IncomingRequest } from './incoming-request.js';

/**
 * Whether a handler of this client is at work. A source of many values may never come to an end, and does not count.
 *
 * @param beside a request that does not count either
 */
export function isAtWork({ _running, _streams, _requests }: Conversation, beside?: IncomingRequest): boolean {
  if (_running > (_streams?.size ?? 0)) return true;
  for (const request of _requests?.values() ?? []) {
    if (request !== beside && !request.isStreaming) return true;
  }
  return false;
}
