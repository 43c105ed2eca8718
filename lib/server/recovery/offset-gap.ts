/**
 * Messages that a client has received without their offset in the log: the log did not respond in time, or they came with the
 * history of a room. They lie between two offsets. If the client resumes from one in this range, the log would return messages that
 * it has already, so it gets a new session.
 */
export interface OffsetGap {
  /** The last offset before them. */
  readonly after: string;
  /** An offset after them; `undefined`: none is known. */
  readonly until: string | undefined;
}

/** Adds a message, which is sent to a client that has received everything up to `sent`. */
export function extendGap(gap: OffsetGap | undefined, sent: string): OffsetGap {
  return { after: gap?.after ?? sent, until: undefined };
}

/** Ends the range at the offset of a message of the same node, which writes its messages in order: this one comes after those. */
export function endGap(gap: OffsetGap, offset: string): OffsetGap {
  return gap.until === undefined ? { after: gap.after, until: offset } : gap;
}

/** Returns whether the log would return some of them to a client that resumes from `offset`. */
export function isRepeatedFrom(
  gap: OffsetGap | undefined,
  offset: string,
  log: { isLater(offset: string, than: string): boolean },
): boolean {
  if (gap === undefined || log.isLater(gap.after, offset)) return false;
  // brokers turn undefined into null
  const until = gap.until ?? undefined;
  return until === undefined || log.isLater(until, offset);
}
