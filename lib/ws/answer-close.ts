import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { endUnusedReceiver, hasUnusedSender } from './on-demand-parts.js';

/** The code of a close frame without one (RFC 6455, section 7.1.5). */
const NO_STATUS = 1005;

const FINAL_CLOSE = 0x88;

/** The private part of a WebSocket of `ws` that its closing handshake uses. */
interface Internals {
  _readyState: number;
  _socket: Duplex;
  _closeCode: number;
  _closeMessage: Buffer;
  _closeFrameReceived: boolean;
  _closeFrameSent: boolean;
  _closeTimer: NodeJS.Timeout | null;
  _closeTimeout: number;
}

/**
 * Handles the close frame of the peer as the reader of `ws` does, without making that reader. The WebSocket is open, and nothing
 * that arrives later counts. Answers by `ws.close(…)`, as `ws` does.
 *
 * @param code the valid code of the frame; `undefined`: it has none
 * @param reason UTF-8, and a buffer that nothing else uses
 * @returns whether it has handled the frame: not if `ws` has read something before
 */
export function answerClose(ws: WebSocket, code: number | undefined, reason: Buffer): boolean {
  if (!endUnusedReceiver(ws)) return false;
  const internals = ws as unknown as Internals;
  internals._closeFrameReceived = true;
  internals._closeCode = code ?? NO_STATUS;
  internals._closeMessage = reason;
  // a paused stream would never end
  process.nextTick(resume, internals._socket);
  if (code === undefined) ws.close();
  else ws.close(code, reason);
  return true;
}

/**
 * Sends a close frame that equals the one of the peer, and ends the stream: one write, without the writer of `ws`.
 *
 * @returns whether it has: not for another frame, and not if `ws` has written something before
 */
export function returnCloseFrame(ws: WebSocket, code?: number, reason?: string | Buffer): boolean {
  const internals = ws as unknown as Internals;
  const isSame =
    internals._closeFrameReceived &&
    internals._closeCode === (code ?? NO_STATUS) &&
    (code === undefined || internals._closeMessage === reason);
  if (!isSame || ws.readyState !== WebSocket.OPEN || !hasUnusedSender(ws)) return false;
  const { _socket: socket } = internals;
  socket.end(closeFrame(code, internals._closeMessage), 'latin1');
  internals._closeFrameSent = true;
  internals._readyState = WebSocket.CLOSING;
  internals._closeTimer = setTimeout(destroy, internals._closeTimeout, socket);
  return true;
}

/** Drops the timer of the closing handshake, which `ws` has cleared: 200 bytes less for code that keeps a closed client. */
export function dropCloseTimer(ws: WebSocket): void {
  (ws as unknown as Internals)._closeTimer = null;
}

/** Returns a close frame without a mask (RFC 6455, section 5.5.1), with one character for each byte. */
function closeFrame(code: number | undefined, reason: Buffer): string {
  if (code === undefined) return String.fromCharCode(FINAL_CLOSE, 0);
  const head = String.fromCharCode(FINAL_CLOSE, 2 + reason.length, code >> 8, code & 255);
  return reason.length === 0 ? head : head + reason.toString('latin1');
}

function resume(stream: Duplex): void {
  stream.resume();
}

function destroy(stream: Duplex): void {
  stream.destroy();
}
