import type { IncomingMessage } from 'node:http';
import type { ClientInfo } from '../handshake/client-info.js';
import { hasOneHost, type ClientAddressReader } from './client-address.js';
import { because, refusal, type HttpRefusal } from './http-refusal.js';

const NO_HOST = because('handshake', refusal(400, 'The Host header is missing, or names no host'));

/** The refusal of a server that is closing. The client can reconnect to another node, or to this one after its restart. */
export const SHUTTING_DOWN = because(
  'closing',
  refusal(503, 'The server is shutting down', { 'Retry-After': '1' }),
);

/** Returns what is known about the client of a request, or the refusal of a request whose client cannot be known. */
export function identifyClient(
  request: IncomingMessage,
  clientAddress: ClientAddressReader,
  onError: (error: unknown) => void,
): ClientInfo | HttpRefusal {
  if (!hasOneHost(request)) return NO_HOST;
  try {
    return clientAddress.identify(request);
  } catch (error) {
    onError(error);
    return refusal(500, 'Internal server error');
  }
}
