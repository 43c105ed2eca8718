import type { DefaultEventsMap, EventsMap } from '../protocol/typed-events.js';
import type { ClientSocket } from './client-socket.js';
import { connectWith } from './connect.js';
import type { ClientOptions } from './options.js';
import { NodeSocket, telling } from './node-web-socket.js';

export * from './public-api.js';

/**
 * As in a browser, on the socket of `ws`, also where Node has one of its own: that one does not tell with which status an
 * upgrade was refused, nor when to come back (`Retry-After`).
 */
export function connect<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
>(url: string | URL, options: ClientOptions = {}): ClientSocket<Listen, Emit> {
  return connectWith(NodeSocket, url, options, telling);
}
