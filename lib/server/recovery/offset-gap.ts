/**
 * Messages that a client has received without their position in the log: the log did not respond in time, or they came with the
 * history of a room. They lie between two positions. If the client resumes from one in this range, the log would return messages that
 * it has already, so it gets a new session.
 */
export interface Unplaced {
  /** The last position before them. */
  readonly after: string;
  /** A position after them; `undefined`: none is known. */
  readonly until: string | undefined;
}

/** Adds a message, which is sent to a client that has received everything up to `sent`. */
export function withUnplaced(unplaced: Unplaced | undefined, sent: string): Unplaced {
  return { after: unplaced?.after ?? sent, until: undefined };
}

/** Ends the range at the position of a message of the same node, which writes its messages in order: this one comes after those. */
export function endUnplaced(unplaced: Unplaced, offset: string): Unplaced {
  return unplaced.until === undefined ? { after: unplaced.after, until: offset } : unplaced;
}

/** Returns whether the log would return some of them to a client that resumes from `offset`. */
export function isRepeatedFrom(
  unplaced: Unplaced | undefined,
  offset: string,
  log: { isLater(position: string, than: string): boolean },
): boolean {
  if (unplaced === undefined || log.isLater(unplaced.after, offset)) return false;
  // brokers turn undefined into null
  const until = unplaced.until ?? undefined;
  return until === undefined || log.isLater(until, offset);
}
