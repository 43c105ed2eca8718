import { Writable } from 'node:stream';
import type { WebSocket } from 'ws';

/**
 * Makes the receiver of `ws` ignore what follows a frame that it refused. Call it once the WebSocket is open.
 *
 * A stream that is written to while it is busy, as a receiver is while it inflates, hands over everything that waits when it is
 * done, also behind an error. The receiver of `ws` then goes on in the middle of the refused frame, or inflates for a
 * connection that has ended: a TypeError that nobody can catch ends the process. Affected are ws 8.22.2, 8.23.0 and, more
 * rarely, earlier versions.
 *
 * `ws` has no public way to its receiver. Without one where it is expected, nothing changes.
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
