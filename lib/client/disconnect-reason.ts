import { mayReconnect, PING_TIMEOUT, type CloseDetails } from './backoff.js';
import type { ClientDisconnectReason } from './client-types.js';

/** @param isLocal the application called `disconnect()` */
export function disconnectReason(details: CloseDetails, isLocal: boolean): ClientDisconnectReason {
  if (isLocal) return 'io client disconnect';
  if (details.code === PING_TIMEOUT) return 'ping timeout';
  return mayReconnect(details) ? 'transport close' : 'io server disconnect';
}
