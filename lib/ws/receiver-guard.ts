import { Writable } from 'node:stream';
import type { WebSocket } from 'ws';

/**
 * Makes the receiver of `ws` ignore all bytes after a frame that it refused. Call it when the WebSocket is open.
 *
 * A Writable that receives data while it is busy, as a receiver is while it inflates, passes the buffered data on when it is done,
 * even after an error. The receiver of `ws` then continues in the middle of the refused frame, or inflates for a connection
 * that has ended. That throws a TypeError which no code can catch, and ends the process. ws 8.22.2, 8.23.0 and, more rarely,
 * earlier versions are affected.
 *
 * `ws` does not expose its receiver. If it is not found in `_receiver`, this function does nothing.
 */
export function guardReceiver(ws: WebSocket): void {
  const receiver: unknown = Reflect.get(ws, '_receiver');
  if (!(receiver instanceof Writable)) return;
  const write = receiver._write.bind(receiver);
  receiver._write = (chunk, encoding, done) => {
    if (receiver.errored === null) write(chunk, encoding, done);
    else done();
  };
}
