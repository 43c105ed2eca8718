import type { DefaultEventsMap, EventsMap } from '../protocol/typed-events.js';
import type { ClientSocket } from './client-socket.js';
import { connectWith } from './connect.js';
import type { ClientOptions } from './options.js';
import { platformSocket } from './web-socket.js';

export * from './public-api.js';

/**
 * Connects to the gateway of a path, and reconnects whenever the connection is lost. It uses the `WebSocket` of the platform.
 *
 * @example
 * const socket = connect('wss://example.com/chat', { auth: () => fetchToken() });
 * socket.on('message', (text) => show(text));
 * const { id } = await socket.emitWithAck('say', 'hello');
 *
 * @param url `wss://host/path`. `https:` works too, and in a page a path alone
 * @typeParam Listen what the server emits
 * @typeParam Emit what this client emits
 * @throws TypeError that names the parameter, if the URL is not one of a WebSocket or an option is unknown or malformed; Error if
 * the platform has no WebSocket
 */
export function connect<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
>(url: string | URL, options?: ClientOptions): ClientSocket<Listen, Emit> {
  return connectWith(platformSocket(), url, options);
}
