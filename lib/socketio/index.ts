import type { Transport } from '../server/upgrade/transport.js';
import { resolveOptions, type SocketIOOptions } from './options.js';
import { SocketIoTransport } from './socket-io-transport.js';

export type { EngineTransport, SocketIOOptions } from './options.js';

/**
 * Lets the clients of Socket.IO 4 connect to the same gateways as plain WebSockets, over websocket and over HTTP long
 * polling. Needs the packages `engine.io` and `socket.io-parser`. A Socket.IO namespace is the full path of a gateway.
 *
 * With several nodes, polling needs sticky sessions, as with Socket.IO: all requests of one client must reach the same
 * node. `transports: ['websocket']` needs none.
 *
 * @throws TypeError on an option that is unknown or malformed
 * @example
 * app.useWebSocketAdapter(new EnvelopeAdapter(app, { transports: [socketIO()] }));
 */
export function socketIO(options: SocketIOOptions = {}): Transport {
  const resolved = resolveOptions(options);
  return {
    name: 'socketIO',
    _carriesBytes: true,
    _open: (host) => new SocketIoTransport(resolved, host),
  };
}
