export { ClientSocket } from './client-socket.js';
export type {
  ClientDisconnectReason,
  Emitter,
  Handler,
  LifecycleEvents,
  TimedEmitter,
} from './client-types.js';
export type { ConnectionState } from './connection.js';
export { ConnectError, DisconnectedError } from './errors.js';
export type { ClientOptions, Credentials } from './options.js';
export type { SocketConstructor, SocketLike } from './web-socket.js';
export { RequestError } from '../protocol/request-error.js';
export type { DefaultEventsMap, EventsMap, Untyped } from '../protocol/typed-events.js';
