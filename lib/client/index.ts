import type { DefaultEventsMap, EventsMap } from '../protocol/typed-events.js';
import type { ClientSocket } from './client-socket.js';
import { connectWith } from './connect.js';
import type { ClientOptions } from './options.js';
import { platformSocket } from './web-socket.js';

export * from './public-api.js';

/**
 * Connects to the gateway of a path, and comes back whenever the line is lost.
 *
 * @param url `wss://host/path`; `https:` and, in a page, a path alone will do
 * @typeParam Listen what the server emits
 * @typeParam Emit what this client emits
 * @throws TypeError that names the parameter where the URL is none of a WebSocket, or an option is unknown or malformed; Error
 * where the platform has no WebSocket
 */
export function connect<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
>(url: string | URL, options?: ClientOptions): ClientSocket<Listen, Emit> {
  return connectWith(platformSocket(), url, options);
}
