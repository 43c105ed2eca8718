import type { Cursor } from './cursor.js';
import { readEntry, type Entry } from './entry.js';
import type { StoredPage } from './store.js';

/** A message as it is in the store. */
export interface ReadEntry extends Entry {
  readonly id: string;
  readonly time: number;
}

/** What a client is sent. */
export interface Replay {
  readonly messages: ReadEntry[];
  /** Everything up to this id of the store was sent before, or is left out; `undefined` if there is no such id. */
  readonly start: string | undefined;
  readonly isComplete: boolean;
  /** The last number of each sender in the store. */
  readonly known: ReadonlyMap<string, number>;
}

/**
 * Milliseconds that a message may take from one node to the others. A client that does not say where in the store it began
 * also receives messages of other senders from so long before the last one that it has seen.
 */
const MAX_DELAY = 10_000;

/** Returns the messages of a page that are not malformed. Those without text stand for missing ones. */
function readEntries({ entries }: StoredPage): (ReadEntry | 'missing')[] {
  const read: (ReadEntry | 'missing')[] = [];
  for (const { id, time, text } of entries) {
    const entry = text === '' ? 'missing' : readEntry(text);
    if (entry !== undefined) read.push(entry === 'missing' ? entry : { ...entry, id, time });
  }
  return read;
}

function lastNumbers(entries: readonly (ReadEntry | 'missing')[]): Map<string, number> {
  const known = new Map<string, number>();
  for (const entry of entries)
    if (entry !== 'missing') known.set(entry.sender, Math.max(entry.number, known.get(entry.sender) ?? 0));
  return known;
}

/** Returns the messages of a page, without those that were written twice. */
export function messagesOf(page: StoredPage): ReadEntry[] {
  return withoutRepeats(readEntries(page));
}

/** A client of the broker that reconnects may write the commands without an answer once more. */
function withoutRepeats(entries: readonly (ReadEntry | 'missing')[]): ReadEntry[] {
  const last = new Map<string, number>();
  return entries.filter((entry): entry is ReadEntry => {
    if (entry === 'missing' || entry.number <= (last.get(entry.sender) ?? -1)) return false;
    last.set(entry.sender, entry.number);
    return true;
  });
}

/** Selects the last messages of a page for a client that joins for the first time. */
export function rewind(page: StoredPage, count: number): Replay {
  const entries = readEntries(page);
  const all = withoutRepeats(entries);
  const messages = count === 0 ? [] : all.slice(-count);
  const before = all.at(-messages.length - 1);
  const isCut = messages.length < all.length;
  return {
    messages,
    start: count > 0 && isCut ? before!.id : count === 0 ? (all.at(-1)?.id ?? page.start) : page.start,
    isComplete: count === 0 || !entries.includes('missing'),
    known: lastNumbers(entries),
  };
}

/**
 * Selects the messages that a client has not seen.
 *
 * @param page the entries after `cursor.since`; all entries if that is not known, or entries after it were deleted
 */
export function after(page: StoredPage, cursor: Cursor, isSince: boolean): Replay {
  const entries = readEntries(page);
  const all = withoutRepeats(entries);
  const isSeen = ({ sender, number }: ReadEntry): boolean => number <= (cursor.seen.get(sender) ?? -1);
  const lastSeen = findLast(all, isSeen);
  // without an id in the store: an earlier message of another sender was sent before the client joined, or was on its way
  const isTooEarly = ({ sender, time }: ReadEntry): boolean =>
    cursor.since === undefined &&
    lastSeen !== undefined &&
    !cursor.seen.has(sender) &&
    time < lastSeen.time - MAX_DELAY;
  const messages = all.filter((entry) => !isSeen(entry) && !isTooEarly(entry));
  const tooEarly = findLast(all, isTooEarly);
  const isAfterAll = tooEarly === undefined || messages.every(({ time }) => time > tooEarly.time);
  const missing = entries.lastIndexOf('missing');
  const isUninterrupted =
    missing === -1 || (!isSince && lastSeen !== undefined && missing < entries.lastIndexOf(lastSeen));
  // all that it has seen was sent since then, and is gone
  const isLost = page.wasEmpty === true && cursor.seen.size > 0;
  return {
    messages,
    start: isAfterAll ? (tooEarly?.id ?? page.start) : undefined,
    isComplete: isUninterrupted && ((isSince && page.isWhole && !isLost) || lastSeen !== undefined),
    known: lastNumbers(entries),
  };
}

/** Returns the last element that a test accepts: `Array.prototype.findLast`, which ES2022 does not have. */
export function findLast<Item>(items: readonly Item[], accepts: (item: Item) => boolean): Item | undefined {
  for (let i = items.length - 1; i >= 0; i--) if (accepts(items[i]!)) return items[i];
  return undefined;
}
