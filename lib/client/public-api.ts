export { ClientSocket } from './client-socket.js';
export type {
  ClientDisconnectReason,
  Emitter,
  Handler,
  LifecycleEvents,
  StreamParams,
  SubscribeParams,
  TimedEmitter,
} from './client-types.js';
export type { ConnectionState } from './connection.js';
export { ConnectError } from './connect-error.js';
export type { ClientOptions, Credentials } from './options.js';
export type { Subscription, SubscriptionState } from './subscription.js';
export type { SocketConstructor, SocketLike, Transport, TransportSettings } from './web-socket.js';
export { DisconnectedError } from '../protocol/disconnected-error.js';
export type { EnvelopeErrorCode } from '../protocol/error-codes.js';
export { RequestError } from '../protocol/request-error.js';
export { TimeoutError } from '../protocol/timeout-error.js';
export type { DefaultEventsMap, EventsMap, Untyped } from '../protocol/typed-events.js';
