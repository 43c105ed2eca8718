import { createStore, delMany, entries, set, setMany } from 'idb-keyval';
import { invalidArgument, withCode } from '../protocol/with-code.js';
import { OpenPages } from './open-pages.js';
import { newKey, warn, type Outbox, type StoredMessage } from './outbox.js';

/** Milliseconds that the database may take. A blocked one must not keep messages from being sent. */
const TIMEOUT = 10_000;

/** The page that a message belongs to, and its number there. IndexedDB sorts by them. */
type RecordKey = [page: string, number: number];
type Found = [RecordKey, StoredMessage];
type Store = ReturnType<typeof createStore>;

class IndexedDbOutbox implements Outbox {
  readonly #name: string;
  readonly #database: string;
  #store: Store | undefined;
  #pages: OpenPages | undefined;
  #page = '';
  #number = 0;
  /** Where each message of this page, and of those that it took over, is or will be stored, by its key. */
  readonly #records = new Map<string, RecordKey>();
  /** The keys of the messages that are stored. */
  readonly #stored = new Set<string>();

  constructor(name: string) {
    this.#name = name;
    this.#database = `nestjs-envelope/${name}`;
  }

  async load(add: (left: readonly StoredMessage[]) => void): Promise<readonly StoredMessage[]> {
    this.#records.clear();
    this.#stored.clear();
    // sorts by the time
    this.#page = `${Date.now().toString(36).padStart(9, '0')}-${newKey()}`;
    const pages = new OpenPages(`${this.#database}/`, this.#page, () => {
      this.#left(pages).then(
        (found) => add(this.#take(found)),
        (error: unknown) => warn(String(error)),
      );
    });
    this.#pages = pages;
    await pages.open();
    return pages.isKeeper ? this.#take(await this.#left(pages)) : [];
  }

  async save(messages: readonly StoredMessage[]): Promise<void> {
    const kept = new Set(messages.map(({ key }) => key));
    const removed = [...this.#stored].filter((key) => !kept.has(key));
    const added = messages.filter(({ key }) => !this.#stored.has(key));
    // first, because it frees space
    if (removed.length > 0) {
      await this.#run('written', (store) =>
        delMany(
          removed.map((key) => this.#records.get(key)!),
          store,
        ),
      );
      for (const key of removed) {
        this.#stored.delete(key);
        this.#records.delete(key);
      }
    }
    if (added.length > 0) await this.#add(added);
  }

  close(): void {
    this.#pages?.close();
    this.#pages = undefined;
  }

  async #add(messages: readonly StoredMessage[]): Promise<void> {
    // JSON, as on the wire: IndexedDB cannot clone all that JSON can
    const records = messages.map((message): [RecordKey, string] => [
      this.#recordOf(message),
      JSON.stringify(message),
    ]);
    const stored = (message: StoredMessage): unknown => this.#stored.add(message.key);
    try {
      await this.#run('written', (store) => setMany(records, store));
      messages.forEach(stored);
      return;
    } catch (error) {
      if (messages.length === 1) throw error;
    }
    // one that is too large must not keep the others out
    let failure: unknown;
    for (const [i, [key, text]] of records.entries())
      await this.#run('written', (store) => set(key, text, store)).then(
        () => stored(messages[i]!),
        (error: unknown) => (failure = error),
      );
    if (failure !== undefined) throw failure;
  }

  #recordOf({ key }: StoredMessage): RecordKey {
    const record = this.#records.get(key) ?? [this.#page, this.#number++];
    this.#records.set(key, record);
    return record;
  }

  /** Returns what closed pages have left. */
  async #left(pages: OpenPages): Promise<Found[]> {
    const all = await this.#run('read', (store) => entries<RecordKey, unknown>(store));
    // later, so that a page that opens meanwhile has nothing in `all`
    const isOpen = await pages.others();
    const found: Found[] = [];
    // closed meanwhile
    if (pages !== this.#pages) return found;
    for (const [record, value] of all) {
      const [page] = [record].flat();
      if (typeof page === 'string' && isOpen(page)) continue;
      const message = readMessage(value);
      if (message !== undefined) found.push([record, message]);
      else {
        warn(`${this.#title} has a malformed message, which is deleted: ${String(value).slice(0, 1_000)}`);
        this.#run('written', (store) => delMany([record], store)).catch(() => undefined);
      }
    }
    return found;
  }

  /** Makes messages those of this page, at the moment in which the caller adds them to its own. */
  #take(found: readonly Found[]): StoredMessage[] {
    const added = found.filter(([, { key }]) => !this.#stored.has(key));
    for (const [record, { key }] of added) {
      this.#records.set(key, record);
      this.#stored.add(key);
    }
    return added.map(([, message]) => message);
  }

  /** Uses the database. After a failure the next call opens it anew. */
  async #run<Result>(what: string, use: (store: Store) => Promise<Result>): Promise<Result> {
    if (typeof (globalThis as { indexedDB?: unknown }).indexedDB !== 'object')
      throw this.#failure('is not kept: this platform has no IndexedDB');
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(withCode('ERR_ENVELOPE_TIMEOUT', new Error(`no answer within ${TIMEOUT / 1_000} s`))),
        TIMEOUT,
      );
    });
    try {
      return await Promise.race([use((this.#store ??= createStore(this.#database, 'messages'))), timeout]);
    } catch (error) {
      this.#store = undefined;
      const { name } = error as { name?: unknown };
      const why =
        name === 'QuotaExceededError'
          ? 'the storage of this site is full'
          : name === 'NotFoundError'
            ? 'something else uses a database of this name. Choose another name'
            : String(error);
      throw this.#failure(`cannot be ${what}: ${why}`, error);
    } finally {
      clearTimeout(timer);
    }
  }

  get #title(): string {
    return `indexedDbOutbox('${this.#name}')`;
  }

  #failure(why: string, cause?: unknown): Error {
    return withCode('ERR_ENVELOPE_OUTBOX', new Error(`${this.#title} ${why}`, { cause }));
  }
}

function readMessage(value: unknown): StoredMessage | undefined {
  try {
    const message = JSON.parse(value as string) as StoredMessage;
    const { key, event, args } = message;
    return typeof key === 'string' && typeof event === 'string' && Array.isArray(args) ? message : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Keeps messages in IndexedDB, through `idb-keyval`: the option `outbox` of `reliable`. Tabs may use the same name at the same
 * time. Each sends its own messages; what a closed tab has left is sent by one of those that are open, or by the next page.
 * That takes Web Locks, which browsers have on secure origins only (https, and localhost). Elsewhere, tabs that are open at the
 * same time may send the same message twice, and `@Once()` has it handled once.
 *
 * Errors are reported by the option `onOutboxError` of `reliable`, with the code `ERR_ENVELOPE_OUTBOX`: without IndexedDB, if the
 * storage is full, if the database does not answer within 10 seconds, or if something else uses its name. The messages are sent
 * all the same, but those that are not stored do not survive a reload.
 *
 * @param name the name of the outbox: one for each user, since a message is sent as the user of the page that finds it. The
 *   database is `nestjs-envelope/<name>`
 * @throws TypeError without a name
 * @example
 * const send = reliable(socket, { outbox: indexedDbOutbox(`chat-${userId}`) });
 */
export function indexedDbOutbox(name: string): Outbox {
  if (typeof name !== 'string' || name === '')
    throw invalidArgument("indexedDbOutbox: name is missing: pass a text, such as 'chat'");
  return new IndexedDbOutbox(name);
}
