import { invalidArgument } from '../protocol/with-code.js';

/** A message that waits for its answer. JSON carries it. */
export interface StoredMessage {
  /** The key by which the server recognises it. */
  readonly key: string;
  readonly event: string;
  readonly args: readonly unknown[];
}

/**
 * Keeps messages that are not answered yet, such as {@link storageOutbox}. All functions may return promises.
 *
 * @example
 * const outbox: Outbox = {
 *   load: () => database.getAll('outbox'),
 *   save: (messages) => database.replace('outbox', messages),
 * };
 */
export interface Outbox {
  /**
   * Called once, at the start.
   *
   * @param add may be called later, with messages that another page has left. They are sent like those that `load` returns
   * @returns what `save` was given last; `undefined` or an empty list: nothing
   */
  load(add: (left: readonly StoredMessage[]) => void): Loaded | Promise<Loaded>;
  /** Called with all messages after changes, one call at a time. A message is sent when it has resolved. */
  save(messages: readonly StoredMessage[]): unknown;
  /** Called by `stop()` after the last `save`. */
  close?(): unknown;
}

type Loaded = readonly StoredMessage[] | null | undefined;

/**
 * The part of `localStorage` that {@link storageOutbox} uses.
 *
 * @example
 * const storage: StorageLike = sessionStorage;
 * const send = reliable(socket, { outbox: storageOutbox('chat', storage) });
 */
export interface StorageLike {
  /** Returns an entry; `null` if there is none. */
  getItem(name: string): string | null;
  /** Stores an entry, in the place of an earlier one. May throw, if the storage is full. */
  setItem(name: string, value: string): void;
  /** Removes an entry, if there is one. */
  removeItem(name: string): void;
}

/**
 * Keeps messages in `localStorage`, or in another storage with the same functions: some megabytes. Each tab that is open at the
 * same time needs another name; tabs may share an `indexedDbOutbox`.
 *
 * @param name the name of the entry in the storage
 * @throws TypeError without a name or a storage
 * @example
 * const send = reliable(socket, { outbox: storageOutbox('chat-ada') });
 */
export function storageOutbox(
  name: string,
  storage: StorageLike | undefined = (globalThis as { localStorage?: StorageLike }).localStorage,
): Outbox {
  if (typeof name !== 'string' || name === '')
    throw invalidArgument("storageOutbox: name is missing: pass a text, such as 'chat'");
  if (typeof (Object(storage) as { getItem?: unknown }).getItem !== 'function')
    throw invalidArgument('storageOutbox: storage is missing: this platform has no localStorage. Pass one');
  const store = storage as StorageLike;
  return {
    load: () => JSON.parse(store.getItem(name) ?? '[]') as StoredMessage[],
    save: (messages) =>
      messages.length === 0 ? store.removeItem(name) : store.setItem(name, JSON.stringify(messages)),
  };
}

/** Returns 16 random bytes in base64url. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replace(
    /[+/=]/g,
    (char) => ({ '+': '-', '/': '_' })[char] ?? '',
  );
}

/** Logs a warning. */
export function warn(text: string): void {
  console.warn(`nestjs-envelope/client/reliable: ${text}`);
}
