import type { ClosedInfo, DisconnectReason } from './disconnect-reason.js';

/** What the listeners of the line's own events get. */
export interface ConnectionEvents {
  close: (code: number, reason: Buffer) => void;
  error: (error: Error) => void;
  ping: (data: Buffer) => void;
  pong: (data: Buffer) => void;
  drain: () => void;
  disconnect: (reason: DisconnectReason, closed: ClosedInfo) => void;
  disconnecting: (reason: DisconnectReason, closed: ClosedInfo) => void;
}
