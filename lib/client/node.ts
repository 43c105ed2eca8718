import type { DefaultEventsMap, EventsMap } from '../protocol/typed-events.js';
import type { ClientSocket } from './client-socket.js';
import { connectWith } from './connect.js';
import type { ClientOptions } from './options.js';
import { NodeWebSocket, withRefusal } from './node-web-socket.js';

export * from './public-api.js';

/**
 * Connects to the gateway of a path, and reconnects whenever the connection is lost. In Node it uses the WebSocket of `ws`, even
 * if Node has a global `WebSocket`, which reports neither the HTTP status of a refused upgrade nor its `Retry-After`.
 *
 * @example
 * const socket = connect('wss://example.com/chat', { auth: process.env.TOKEN });
 * socket.on('message', (text) => console.log(text));
 * const { id } = await socket.emitWithAck('say', 'hello');
 *
 * @param url `ws:`, `wss:`, `http:` or `https:`
 * @typeParam Listen what the server emits
 * @typeParam Emit what this client emits
 * @throws TypeError that names the parameter, if the URL is not one of a WebSocket or an option is unknown or malformed
 */
export function connect<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
>(url: string | URL, options: ClientOptions = {}): ClientSocket<Listen, Emit> {
  return connectWith(NodeWebSocket, url, options, withRefusal);
}
