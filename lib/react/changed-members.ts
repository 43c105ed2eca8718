import { changeMembers } from '../client/member-list.js';
import type { PresenceChange, PresenceMember } from './types.js';

/** Returns the members of a room after a change; the same list if nothing changed. */
export function changedMembers(
  list: readonly PresenceMember[],
  change: PresenceChange,
  shown: string,
): readonly PresenceMember[] {
  return change.room === shown ? changeMembers(list, change, ({ key }) => key) : list;
}
