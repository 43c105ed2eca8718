import type { Conversation } from './conversation.js';

/** The connected sockets as `ws` users know them, `server.clients`: a live view, not a copy. */
export class SocketSet<Client extends Conversation> implements Iterable<Client> {
  constructor(private readonly sockets: ReadonlyMap<string, Client>) {}

  get size(): number {
    return this.sockets.size;
  }

  has(socket: Client): boolean {
    return this.sockets.get(socket.id) === socket;
  }

  forEach(callback: (socket: Client, again: Client, set: SocketSet<Client>) => void): void {
    for (const socket of this) callback(socket, socket, this);
  }

  values(): IterableIterator<Client> {
    return this.sockets.values();
  }

  keys(): IterableIterator<Client> {
    return this.sockets.values();
  }

  [Symbol.iterator](): IterableIterator<Client> {
    return this.sockets.values();
  }
}
