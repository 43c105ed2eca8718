import { Adapter, type BroadcastOptions, type Room } from 'socket.io-adapter';

/** The rooms of a RegExp namespace: whatever is done to it is done to each of its children. */
export function parentAdapter(
  children: () => Iterable<{ readonly adapter: Adapter }>,
): new (nsp: unknown) => Adapter {
  return class ParentAdapter extends Adapter {
    override broadcast(packet: { data: unknown[] }, options: BroadcastOptions): void {
      for (const child of children()) child.adapter.broadcast({ ...packet, data: [...packet.data] }, options);
    }
    override async fetchSockets(options: BroadcastOptions): Promise<unknown[]> {
      const found = await Promise.all([...children()].map((child) => child.adapter.fetchSockets(options)));
      return found.flat();
    }
    override addSockets(options: BroadcastOptions, rooms: Room[]): void {
      for (const child of children()) child.adapter.addSockets(options, rooms);
    }
    override delSockets(options: BroadcastOptions, rooms: Room[]): void {
      for (const child of children()) child.adapter.delSockets(options, rooms);
    }
    override disconnectSockets(options: BroadcastOptions, close: boolean): void {
      for (const child of children()) child.adapter.disconnectSockets(options, close);
    }
    override broadcastWithAck(): never {
      throw new Error(
        'a RegExp namespace cannot be asked as a whole: ask its namespaces, server.of(path), one by one',
      );
    }
    override serverSideEmit(packet: unknown[]): void {
      for (const child of children()) child.adapter.serverSideEmit([...packet]);
    }
  };
}
