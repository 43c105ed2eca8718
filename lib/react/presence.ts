import type { PresenceChange, PresenceMember } from './types.js';

/** Returns the members of a room after a change; the same list if nothing changed. */
export function changed(
  list: readonly PresenceMember[],
  { room, all, join = [], update = [], leave = [] }: PresenceChange,
  shown: string,
): readonly PresenceMember[] {
  if (room === shown && all !== undefined) return all;
  if (room !== shown || join.length + update.length + leave.length === 0) return list;
  const members = new Map(list.map((member) => [member.key, member]));
  for (const key of leave) members.delete(key);
  // a member whose metas changed keeps its place
  for (const member of [...join, ...update]) members.set(member.key, member);
  return [...members.values()];
}
