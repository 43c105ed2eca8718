import type { ClientSocket } from '../client/client-socket.js';
import { states, type RoomStates } from '../client/states.js';
import type { Untyped } from '../protocol/typed-events.js';
import { Store } from './store.js';
import type { OthersResult } from './types.js';

/** Returns the store of the states in one room. The own state ends with its last listener. */
export function othersStore(socket: ClientSocket, room: string, event: string): Store<OthersResult<Untyped>> {
  type Set = RoomStates<Untyped>['set'];
  let current: RoomStates<Untyped> | undefined;
  /** What was set before the store has started: effects of children run before those of their parents. */
  let early: Parameters<Set> | undefined;
  const set: Set = (...args) => {
    if (current === undefined) early = args;
    else current.set(...args);
  };
  return new Store<OthersResult<Untyped>>({ others: [], count: 0, isCurrent: false, set }, (store) => {
    const following = states<Untyped>(socket as ClientSocket<never, never>, room, event);
    const publish = ({ others, count, isCurrent }: RoomStates<Untyped>): void =>
      store.set({ others, count, isCurrent, set });
    current = following;
    following.onChange(publish);
    if (early !== undefined) following.set(...early);
    early = undefined;
    // another part of the page may follow the room already
    if (following.isCurrent) publish(following);
    return () => {
      current = undefined;
      following.stop();
    };
  });
}
