import { Adapter } from 'socket.io-adapter';

/** Socket.IO's in-memory adapter, for one process. Unlike the original, it logs no warning on `serverSideEmit`. */
export class MemoryAdapter extends Adapter {
  /** Does nothing, since one process has no other nodes. A callback is called at once, with no responses. */
  override serverSideEmit(packet: unknown[]): void {
    const callback = packet.at(-1);
    if (typeof callback === 'function') Reflect.apply(callback, undefined, [null, []]);
  }
}
