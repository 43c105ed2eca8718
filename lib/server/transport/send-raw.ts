import { isAnyArrayBuffer } from 'node:util/types';
import type { WebSocket } from 'ws';
import { refuse } from '../../protocol/refuse.js';
import { withCode } from '../../protocol/with-code.js';
import { NOT_OPEN, type RawData, type SendCallback, type SendOptions } from './connection.js';
import { Frame } from './frame.js';
import type { Outbox } from './outbox.js';
import { OPEN } from './ready-state.js';

/**
 * Sends data on a WebSocket as `ws` does, with its options and callback, but behind everything that waits in the outbox.
 *
 * @param ws `undefined` until the WebSocket is open
 * @throws TypeError on data that is neither text nor bytes, Error before the WebSocket is open
 */
export function sendRaw(
  ws: WebSocket | undefined,
  outbox: Outbox,
  data: RawData,
  options: SendOptions | SendCallback | undefined,
  callback: SendCallback | undefined,
): void {
  const isPlain = options === undefined && callback === undefined && ws?.readyState === OPEN;
  if (isPlain && typeof data === 'string') return outbox.push(data);
  if (isPlain && Buffer.isBuffer(data)) return outbox.push(new Frame(data));
  if (typeof data !== 'string' && !ArrayBuffer.isView(data) && !isAnyArrayBuffer(data))
    refuse('EnvelopeSocket.send', 'data', data, 'a text or bytes');
  if (ws === undefined) throw withCode('ERR_ENVELOPE_NOT_CONNECTED', new Error(NOT_OPEN));
  if (!outbox.hasStarted) return queue(outbox, data, options, callback);
  // if that overflows and so ends the connection, ws calls back with its own error
  outbox.precede(Buffer.byteLength(data));
  if (typeof options === 'function') ws.send(data, options);
  else ws.send(data, options ?? {}, callback);
}

/** Queues a message before the outbox has started, when `ws` must not write either. */
function queue(
  outbox: Outbox,
  data: RawData,
  options: SendOptions | SendCallback | undefined,
  callback: SendCallback | undefined,
): void {
  const { binary = typeof data !== 'string', compress }: SendOptions =
    typeof options === 'object' ? options : {};
  const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data as Uint8Array);
  outbox.push(new Frame(binary ? bytes : bytes.toString(), compress));
  const sent = typeof options === 'function' ? options : callback;
  if (sent !== undefined) process.nextTick(sent);
}
