import { EventEmitter } from 'node:events';
import { WebSocket } from 'ws';

/** PROTOCOL.md, "Reserved names". */
export const RESERVED = [
  'connect',
  'connection',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
];

/** The events of the connection in `client.on`: messages with these names do not reach its listeners. */
export const CONNECTION_EVENTS = [
  'close',
  'error',
  'ping',
  'pong',
  'drain',
  'open',
  'upgrade',
  'redirect',
  'unexpected-response',
];

/** Names that have a meaning for an emitter, a stream, `ws`, Socket.IO, or any object. */
export const NAMES = [
  ...new Set([
    ...RESERVED,
    ...CONNECTION_EVENTS,
    ...Object.getOwnPropertyNames(EventEmitter.prototype),
    ...Object.getOwnPropertyNames(new EventEmitter()),
    ...Object.getOwnPropertyNames(Object.prototype),
    ...Object.getOwnPropertyNames(Function.prototype),
    ...Object.getOwnPropertyNames(WebSocket.prototype),
    ...[
      'message',
      'new_namespace',
      'data',
      'end',
      'finish',
      'readable',
      'lookup',
      'timeout',
      'server',
      'socket',
    ],
    ...['prototype', 'toJSON', 'then', 'catch', 'captureRejections', 'nodejs.rejection', '*', ' ', '\u0000'],
  ]),
];
