import type { EnvelopeServer } from '../../server/namespace/envelope-server.js';
import { serverSideEmit } from '../../server/rooms/server-side-emit.js';
import { endBlocked } from '../../server/socket/socket-rooms.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { nameOfUser } from '../../server/handshake/user-identity.js';
import { readBlockEntry, type BlockEntry, type BlockList } from '../../server/upgrade/block-list.js';
import { callSafely } from '../../server/util/safe-call.js';

/** The event between nodes that carries blocks. Nodes of earlier versions ignore it. */
const BLOCKS = '$blocks';
/** Entries in one message to the other nodes. */
const PER_MESSAGE = 500;

/** Keeps the blocks of all nodes the same, by the adapters of the servers. */
export class SharedBlocks {
  constructor(
    private readonly blocks: BlockList,
    private readonly clients: () => readonly EnvelopeSocket[],
  ) {}

  /** Takes part in the exchange of one server with its path on other nodes. */
  join(server: EnvelopeServer): void {
    server._internalListeners.set(BLOCKS, (given) => this.receive(given));
    // a node that started, or that was away, does not know what was decided before
    server._onClusterChange(() => this.send([server], this.blocks.entries()));
  }

  /** Applies an entry here, and sends it to the other nodes. */
  add(entry: BlockEntry, servers: readonly EnvelopeServer[]): void {
    this.apply([entry]);
    this.send(servers, [entry]);
  }

  private receive(given: unknown): void {
    const entries = Array.isArray(given) ? given.slice(0, PER_MESSAGE).map(readBlockEntry) : [];
    this.apply(entries.filter((entry) => entry !== undefined));
  }

  private send(servers: readonly EnvelopeServer[], entries: readonly BlockEntry[]): void {
    for (let from = 0; from < entries.length; from += PER_MESSAGE)
      for (const server of servers) {
        const failed = (error: unknown): void =>
          server._report(error, 'blocks could not be sent to other nodes');
        const part = entries.slice(from, from + PER_MESSAGE);
        callSafely(() => serverSideEmit(server.adapter, BLOCKS, [part], failed), failed);
      }
  }

  private apply(entries: readonly BlockEntry[]): void {
    const news = entries.filter((entry) => this.blocks.add(entry) && !entry.isLifted);
    if (news.length === 0) return;
    const addresses = new Set(news.filter(({ kind }) => kind === 'address').map(({ name }) => name));
    const users = new Set(news.filter(({ kind }) => kind === 'user').map(({ name }) => name));
    for (const client of this.clients()) {
      const isBlocked =
        addresses.has(client._upgrade.clientInfo.rateKey) ||
        (users.size > 0 && users.has(nameOfUser(client)!));
      if (isBlocked) endBlocked(client);
    }
  }
}
