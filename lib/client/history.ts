import { invalidArgument } from '../protocol/with-code.js';
import type { ClientSocket } from './client-socket.js';
import { META } from './listeners.js';

/** Senders of one room whose positions are kept. A server that restarts is a new sender. */
const MAX_SENDERS = 64;

/** The positions that a client has seen in rooms with a history. */
class RoomPositions {
  /** The last position of each sender, by room. */
  readonly #rooms = new Map<string, Map<string, string>>();
  readonly #stop: () => void;

  /** @internal */
  constructor(socket: ClientSocket) {
    const onMeta = (meta: unknown): void => this.#see(Object(meta) as { room?: unknown; position?: unknown });
    socket.on(META, onMeta);
    this.#stop = () => void socket.off(META, onMeta);
  }

  /**
   * Returns the positions that were seen in a room, as text for the server's `client.join(room, { after })`. `undefined` in a
   * room of which nothing has arrived yet.
   *
   * @param room the name of the room on the server
   * @example const after = history(socket).position('chat:7');
   */
  position(room: string): string | undefined {
    const positions = this.#rooms.get(room);
    return positions && [...positions.values()].join();
  }

  /**
   * Returns a function that returns `position(room)`: the option `after` of `socket.subscribe`.
   *
   * @example
   * socket.subscribe('enter', { room: '7' }, { after: history(socket).after('chat:7') });
   */
  after(room: string): () => string | undefined {
    return () => this.position(room);
  }

  /**
   * Forgets what was seen in a room, so that the next join is like the first one.
   *
   * @example history(socket).forget('chat:7');
   */
  forget(room: string): void {
    this.#rooms.delete(room);
  }

  /**
   * Ends it: no further positions are noted.
   *
   * @example
   * const past = history(socket);
   * past.stop();
   */
  stop(): void {
    this.#stop();
  }

  #see({ room, position }: { room?: unknown; position?: unknown }): void {
    if (typeof position !== 'string') return;
    const sender = position.split(':', 1)[0]!;
    for (const name of [room].flat()) {
      if (typeof name !== 'string') continue;
      const positions = this.#rooms.get(name) ?? new Map<string, string>();
      this.#rooms.set(name, positions);
      // the last one now
      positions.delete(sender);
      positions.set(sender, position);
      if (positions.size > MAX_SENDERS) positions.delete([...positions.keys()].find((key) => key !== '')!);
    }
  }
}

export type { RoomPositions };

/**
 * Notes the positions of messages in rooms that have a history on the server (the option `history` of its adapter), so that
 * the client receives what it missed, and nothing twice, when it subscribes again on a new connection. Call it once, before
 * the first room is joined.
 *
 * @throws TypeError without a client
 * @example
 * const past = history(socket);
 * socket.subscribe('enter', { room: '7' }, { after: past.after('chat:7') });
 */
export function history(socket: Pick<ClientSocket<never, never>, 'on' | 'off'>): RoomPositions {
  if (typeof (Object(socket) as { off?: unknown }).off !== 'function')
    throw invalidArgument('history: socket is missing: pass what connect(url) returned');
  return new RoomPositions(socket as unknown as ClientSocket);
}
