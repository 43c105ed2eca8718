import type { ClientSocket } from './client-socket.js';
import { assertListener, callListener } from './listeners.js';
import { changeMembers, type RoomNews } from './member-list.js';
import { assertRoomArguments } from './room-arguments.js';

export { states } from './states.js';
export type { OtherState, RoomStates } from './states.js';

/** A member of a room, with one or several connections. */
export interface PresentMember<Meta = unknown> {
  readonly key: string;
  /** One for each connection. */
  readonly metas: readonly Meta[];
}

/**
 * The members of one room, as a server with `presence.share(room)` tells them.
 *
 * @typeParam Meta the metas of the members
 */
class RoomPresence<Meta = unknown> {
  /** The members, in the order in which they came. A new list after each change. Empty in a room with too many. */
  members: readonly PresentMember<Meta>[] = [];
  /** The number of members. */
  count = 0;
  /** Whether the server has told the members on this connection. While it is `false`, they may be out of date. */
  isCurrent = false;
  readonly #listeners = new Set<(presence: this) => void>();
  readonly #stop: () => void;

  /** @internal */
  constructor(socket: ClientSocket, room: string, event: string) {
    const onNews = (news: RoomNews<PresentMember<Meta>>): void => {
      if (Object(news).room !== room) return;
      this.#apply(news);
    };
    const onDisconnect = (): void => {
      if (!this.isCurrent) return;
      this.isCurrent = false;
      this.#notify();
    };
    socket.on(event, onNews);
    socket.on('disconnect', onDisconnect);
    this.#stop = () => {
      socket.off(event, onNews);
      socket.off('disconnect', onDisconnect);
    };
  }

  /**
   * Adds a listener. It runs after each change, with this object.
   *
   * @returns a function that removes it
   * @throws TypeError if the listener is not a function
   * @example presence(socket, 'board:7').onChange(({ members }) => show(members));
   */
  onChange(listener: (presence: this) => void): () => void {
    assertListener('change', listener);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Ends it: no listener runs any more. It leaves no room: that is for the application to request.
   *
   * @example
   * const board = presence(socket, 'board:7');
   * board.stop();
   */
  stop(): void {
    this.#stop();
    this.#listeners.clear();
  }

  #apply(news: RoomNews<PresentMember<Meta>>): void {
    // of an earlier connection: all members follow
    if (news.all === undefined && news.count === undefined && !this.isCurrent) return;
    this.isCurrent = true;
    this.members = changeMembers(this.members, news, ({ key }) => key);
    this.count = news.count ?? this.members.length;
    this.#notify();
  }

  #notify(): void {
    for (const listener of [...this.#listeners])
      if (this.#listeners.has(listener)) callListener(listener, [this]);
  }
}

export type { RoomPresence };

/**
 * Follows who is in a room. Call it before the client joins the room, since the server tells all members once, to who joins.
 *
 * @param event the event that the server's `presence.share` names
 * @throws TypeError without a client, a room, or a name of an event
 * @example
 * const board = presence<{ name: string }>(socket, 'board:7');
 * board.onChange(({ members }) => show(members));
 * socket.subscribe('enter', { board: 7 }, { leave: 'leave' });
 */
export function presence<Meta = unknown>(
  socket: Pick<ClientSocket<never, never>, 'on' | 'off'>,
  room: string,
  event = 'presence',
): RoomPresence<Meta> {
  assertRoomArguments('presence', socket, room, event);
  return new RoomPresence(socket as unknown as ClientSocket, room, event);
}
