/**
 * The positions that a client has seen in a room, as it sends them: one mark for each sender, joined by commas.
 *
 * A mark is `sender:number`, with `@id` behind it where the id in the store is known. The nodes of a cluster deliver their
 * own messages at once, so clients on different nodes receive the messages of different senders in different orders. Only the
 * messages of one sender arrive in the order of their numbers: a client has seen those up to the latest mark of each sender.
 * A mark without a sender says that everything up to that id of the store was seen or left out.
 */
export interface Cursor {
  /** Everything up to this id of the store was seen; `undefined` if no mark has a known id. */
  readonly since: string | undefined;
  /** The number of the last message of each sender. */
  readonly seen: ReadonlyMap<string, number>;
}

interface Ids {
  isId(text: string): boolean;
  isLater(id: string, than: string): boolean;
}

/** Characters of a text that clients send. */
const MAX_LENGTH = 8_192;
const MAX_MARKS = 100;
const MARK = /^([\w-]{0,32}):([0-9a-z]{1,11})(?:@([\w.-]{1,64}))?$/;

/** Reads the positions that a client sends. Returns `undefined` if they are malformed. */
export function readCursor(text: unknown, ids: Ids): Cursor | undefined {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return undefined;
  const marks = text.split(',', MAX_MARKS + 1);
  if (marks.length > MAX_MARKS) return undefined;
  let since: string | undefined;
  const seen = new Map<string, number>();
  for (const mark of marks) {
    const [, sender, digits, id] = MARK.exec(mark) ?? [];
    if (sender === undefined || digits === undefined) return undefined;
    const number = Number.parseInt(digits, 36);
    if (sender !== '' && number > (seen.get(sender) ?? -1)) seen.set(sender, number);
    if (id !== undefined && ids.isId(id) && (since === undefined || ids.isLater(id, since))) since = id;
  }
  return { since, seen };
}

/** Returns the position of a message. @param id its id in the store, if it is known */
export function positionOf(sender: string, number: number, id?: string): string {
  const mark = `${sender}:${number.toString(36)}`;
  return id === undefined ? mark : `${mark}@${id}`;
}

/** Reads the position of one message. */
export function readPosition(position: unknown): { sender: string; number: number } | undefined {
  if (typeof position !== 'string' || position.length > MAX_LENGTH) return undefined;
  const [, sender, digits] = MARK.exec(position) ?? [];
  if (sender === undefined || digits === undefined) return undefined;
  return { sender, number: Number.parseInt(digits, 36) };
}
