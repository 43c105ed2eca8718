import type { Socket } from 'node:net';
import { constants, deflateRawSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { clientFrame, closeBody, OP } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { HELLO, connectToServer } from './hostile-server.js';
import { next } from './fixture.js';

/** Calls back when a chunk of the stream was read. */
class WatchedSocket extends WebSocket {
  constructor(
    url: string,
    protocols: string[],
    private readonly onData: () => unknown,
  ) {
    super(url, protocols);
  }
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'open') (Reflect.get(this, '_socket') as Socket).on('data', this.onData);
    return super.emit(event, ...args);
  }
}

describe('a client of a hostile server that compresses', () => {
  expectNoUnhandledErrors();

  /** A frame of permessage-deflate (RFC 7692, section 7.2.1). */
  const compressed = (message: object): Buffer => {
    const options = { finishFlush: constants.Z_SYNC_FLUSH };
    const payload = deflateRawSync(JSON.stringify(message), options).subarray(0, -4);
    return clientFrame({ opcode: OP.text, payload, rsv: 4, mask: false });
  };
  // The byte in front is read as the payload of the rejected frame.
  const more = Buffer.concat([Buffer.from('x'), compressed({ event: 'late', data: 'x'.repeat(30_000_000) })]);

  it.each([
    ['a close code that must not be sent', { opcode: OP.close, payload: closeBody(1005) }, Buffer.from('xx')],
    ['text that is not UTF-8', { opcode: OP.text, payload: Buffer.from([0xff]) }, more],
  ])('survives %s and more data after it while a message is inflated', async (_what, broken, then) => {
    const segments = [clientFrame({ ...broken, mask: false }), then];
    let tcp: Socket | undefined;
    const { socket, ws, connectionEvents, events } = await connectToServer(HELLO, {
      WebSocket: class extends WatchedSocket {
        constructor(url: string, protocols: string[]) {
          super(url, protocols, () => segments.length > 0 && tcp?.write(segments.shift()!));
        }
      },
    });
    expect(ws.extensions).toBe('permessage-deflate');
    const large = next(socket, 'large');
    const reconnected = next(socket, 'disconnect').then(() => next(socket, 'connect'));
    tcp = (Reflect.get(ws, '_socket') as Socket).setNoDelay(true);
    tcp.write(compressed({ event: 'large', data: 'x'.repeat(900_000) }));
    await large;
    await reconnected;
    // After a round trip, the inflation that was running at the disconnect has ended.
    expect(await socket.emitWithAck('echo', 'still here')).toBe('still here');
    expect(segments).toEqual([]);
    expect(connectionEvents[1]).toEqual([
      'disconnect',
      'transport close',
      expect.objectContaining({ code: 1006 }),
    ]);
    expect(events.map(([event]) => event)).toEqual(['large']);
  });
});
