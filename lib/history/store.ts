/** The room of a history: a room of one path. */
export interface HistoryKey {
  /** The path of the gateway. */
  readonly path: string;
  readonly room: string;
}

/** The limits of one room. */
export interface StoredLimits {
  /** The maximum number of messages. */
  readonly size: number;
  /** How long a message is stored, in milliseconds. */
  readonly ttl: number;
}

/** An entry of a history. */
export interface StoredEntry {
  /** Where the entry stands in its store. */
  readonly id: string;
  /** When it was stored, in milliseconds since the epoch, by the clock of the store. */
  readonly time: number;
  /** The message as text; empty where messages are missing. */
  readonly text: string;
}

/** Which entries to read. */
export interface StoredQuery {
  /** Only entries after this id. */
  readonly after?: string | undefined;
  /** Only entries before this id. */
  readonly before?: string | undefined;
  readonly limit: number;
  /** Whether the first entries are read, and not the last ones, if there are more than `limit`. */
  readonly fromStart?: boolean;
}

/** A part of a history. */
export interface StoredPage {
  /** The entries, the oldest first. */
  readonly entries: readonly StoredEntry[];
  /** An id that all entries of this page, and later ones, come after, and all others do not. */
  readonly start: string;
  /** Whether no entry after `after` is missing: none was deleted, and none was left out because of `limit`. */
  readonly isWhole: boolean;
  /**
   * Whether the room had no entries when `after` was made. A store that may lose all entries of a room without knowing it sets
   * this, so that a client which has seen messages since then learns that they were lost.
   */
  readonly wasEmpty?: boolean;
}

/**
 * Stores the messages of rooms. `memoryHistory()` is the default; `redisHistory(redis)` is for clusters. Applications may
 * implement it.
 *
 * @example
 * const store: HistoryStore = {
 *   isShared: true,
 *   append: ({ path, room }, text, { size, ttl }) => table.insert(path, room, text, { size, ttl }),
 *   read: ({ path, room }, { after, before, limit }) => table.page(path, room, { after, before, limit }),
 *   drop: ({ path, room }) => table.delete(path, room),
 *   isId: (text) => /^\d{1,15}$/.test(text),
 *   isLater: (id, than) => Number(id) > Number(than),
 * };
 * new EnvelopeAdapter(app, { history: roomHistory({ rooms: { 'chat:*': { size: 200 } }, store }) });
 */
export interface HistoryStore {
  /** Whether the nodes of a cluster share it. */
  readonly isShared: boolean;
  /** Adds an entry. A store that writes asynchronously keeps the order of the calls, and rejects if it fails. */
  append(key: HistoryKey, text: string, limits: StoredLimits): Promise<unknown> | void;
  /** Returns a part of the history of a room. */
  read(key: HistoryKey, query: StoredQuery, limits: StoredLimits): Promise<StoredPage> | StoredPage;
  /** Deletes all entries of a room. The messages count as missing for clients that have not received them. */
  drop(key: HistoryKey, limits: StoredLimits): Promise<unknown> | void;
  /** Whether a text is an id of this store: clients may send any text. */
  isId(text: string): boolean;
  /** Whether one id comes after another. */
  isLater(id: string, than: string): boolean;
  /** Called when the last server that uses it has closed. Another one may use it later. */
  close?(): void;
}
