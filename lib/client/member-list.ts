/** What a server tells of a room that it shares: see PROTOCOL.md, "Presence". */
export interface RoomNews<Member> {
  readonly room?: unknown;
  readonly all?: readonly Member[] | undefined;
  /** In the place of all, in a room with too many. */
  readonly count?: number | undefined;
  readonly join?: readonly Member[] | undefined;
  readonly update?: readonly Member[] | undefined;
  readonly leave?: readonly string[] | undefined;
}

/**
 * Returns the list after news, in the order in which the members came; the same list if nothing changed.
 *
 * @param keyOf names a member
 */
export function changeMembers<Member>(
  members: readonly Member[],
  { all, count, join = [], update = [], leave = [] }: RoomNews<Member>,
  keyOf: (member: Member) => string,
): readonly Member[] {
  if (all !== undefined || count !== undefined) return all ?? [];
  if (join.length + update.length + leave.length === 0) return members;
  const byKey = new Map(members.map((member) => [keyOf(member), member]));
  for (const key of leave) byKey.delete(key);
  // a member that changed keeps its place
  for (const member of [...join, ...update]) byKey.set(keyOf(member), member);
  return [...byKey.values()];
}
