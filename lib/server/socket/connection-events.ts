import type { ClosedInfo, DisconnectReason } from '../transport/disconnect-reason.js';

/** The listeners of a connection's own events. */
export interface ConnectionEvents {
  close: (code: number, reason: Buffer) => void;
  error: (error: Error) => void;
  ping: (data: Buffer) => void;
  pong: (data: Buffer) => void;
  drain: () => void;
  disconnect: (reason: DisconnectReason, closed: ClosedInfo) => void;
  disconnecting: (reason: DisconnectReason, closed: ClosedInfo) => void;
}

/** What `ws` emits before a connection is open, and so before a gateway has a client to listen to. */
export const PAST_EVENTS: ReadonlySet<string> = new Set([
  'open',
  'upgrade',
  'redirect',
  'unexpected-response',
]);

/** The events of the connection itself. A client that sends one of these names never reaches their listeners. */
export const CONNECTION_EVENTS: ReadonlySet<string> = new Set([
  'close',
  'error',
  'ping',
  'pong',
  'drain',
  'disconnect',
  'disconnecting',
  ...PAST_EVENTS,
]);
