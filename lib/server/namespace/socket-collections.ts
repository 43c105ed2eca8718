import type { EnvelopeSocket } from '../socket/envelope-socket.js';

/** The members of Socket.IO's namespace that a {@link SocketMap} forwards to its server. */
const FORWARDED_MEMBERS = [
  'name',
  'adapter',
  'emit',
  'emitWithAck',
  'to',
  'in',
  'except',
  'local',
  'volatile',
  'compress',
  'timeout',
  'fetchSockets',
  'socketsJoin',
  'socketsLeave',
  'disconnectSockets',
  'serverSideEmit',
  'use',
  'on',
  'once',
  'off',
  'addListener',
  'removeListener',
  'removeAllListeners',
  'listeners',
  'listenerCount',
  'eventNames',
  'setMaxListeners',
  'serverSideEmitWithAck',
  'send',
  'server',
] as const;

type ForwardedMember = (typeof FORWARDED_MEMBERS)[number];

/**
 * The connected sockets of a server by id: `server.sockets`. It also has the methods of Socket.IO's default namespace,
 * which Socket.IO's `server.sockets` is.
 */
export type SocketMap<Client, Server extends Record<ForwardedMember, unknown>> = Map<string, Client> &
  Pick<Server, ForwardedMember> & {
    /** The map itself, as in Socket.IO's `namespace.sockets`. */
    readonly sockets: Map<string, Client>;
  };

/** Creates the empty socket map of a server. */
export function createSocketMap<Client, Server extends Record<ForwardedMember, unknown>>(
  server: Server,
): SocketMap<Client, Server> {
  const map = new Map<string, Client>();
  for (const member of FORWARDED_MEMBERS) {
    Object.defineProperty(map, member, {
      get: () => {
        const value: unknown = server[member];
        return typeof value === 'function' ? (value.bind(server) as unknown) : value;
      },
    });
  }
  return Object.defineProperty(map, 'sockets', { value: map }) as SocketMap<Client, Server>;
}

/**
 * The connected sockets of a server as a read-only set, as in `ws`: `server.clients`.
 * A live view of the {@link SocketMap}.
 */
export class SocketSet<Client extends EnvelopeSocket> implements Iterable<Client> {
  constructor(private readonly sockets: ReadonlyMap<string, Client>) {}

  /** The number of connected sockets. */
  get size(): number {
    return this.sockets.size;
  }

  /** Returns whether a socket is connected. */
  has(socket: Client): boolean {
    return this.sockets.get(socket.id) === socket;
  }

  /** Calls a function with each socket. */
  forEach(callback: (socket: Client, again: Client, set: SocketSet<Client>) => void): void {
    for (const socket of this) callback(socket, socket, this);
  }

  /** Returns an iterator over the sockets. */
  values(): IterableIterator<Client> {
    return this.sockets.values();
  }

  /** Returns an iterator over the sockets, as `Set` does. */
  keys(): IterableIterator<Client> {
    return this.sockets.values();
  }

  [Symbol.iterator](): IterableIterator<Client> {
    return this.sockets.values();
  }
}
