import type { EnvelopeSocket } from '../socket/envelope-socket.js';

/** The connected sockets as `ws` users know them, `server.clients`: a live view, not a copy. */
export class SocketSet<Client extends EnvelopeSocket> implements Iterable<Client> {
  constructor(private readonly sockets: ReadonlyMap<string, Client>) {}

  /** How many sockets are connected. */
  get size(): number {
    return this.sockets.size;
  }

  /** Whether a socket is connected. */
  has(socket: Client): boolean {
    return this.sockets.get(socket.id) === socket;
  }

  /** Calls a function with each socket. */
  forEach(callback: (socket: Client, again: Client, set: SocketSet<Client>) => void): void {
    for (const socket of this) callback(socket, socket, this);
  }

  /** The sockets. */
  values(): IterableIterator<Client> {
    return this.sockets.values();
  }

  /** The sockets, as `Set` has it. */
  keys(): IterableIterator<Client> {
    return this.sockets.values();
  }

  [Symbol.iterator](): IterableIterator<Client> {
    return this.sockets.values();
  }
}
