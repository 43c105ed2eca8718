import { AsyncLocalStorage } from 'node:async_hooks';

/** The progress of one restore of a session. */
export interface RestoreProgress {
  /** Whether the end of the log was read. */
  isComplete: boolean;
  /** The number of commands so far. */
  pages: number;
  /** The number of entries read so far. */
  entries: number;
  /** Returns whether the adapter can read an entry. One that it cannot read would make the whole restore fail. */
  isReadable(fields: Fields, offset: string): boolean;
}

/** The fields of an entry of a stream. */
export type Fields = Readonly<Record<string, string | undefined>>;

/**
 * The number of entries per page, up to a number of pages. The adapter reads at most 100 pages, so a later page is the
 * whole rest.
 */
const PAGES: readonly (readonly [pages: number, entries: number])[] = [
  [50, 250],
  [90, 2_000],
];

/**
 * The restore that the running code belongs to. In this context the log of a Redis stream is read once, in pages, up to
 * the first page that is not full.
 *
 * The adapter alone would read until a page is empty, up to a hundred times. If other nodes write faster than Redis
 * responds, the client would wait for a hundred responses. Messages that are written meanwhile reach the node by its
 * own subscription. Read as a single page, a large log would block all other clients, since the adapter processes its
 * entries without a pause.
 */
export const restoreOnce = new AsyncLocalStorage<RestoreProgress>();

/** Returns the page of the log that a command of a Redis client reads; `undefined` for a command outside a restore. */
export function pageOf(command: string | symbol, args: readonly unknown[]): Page | undefined {
  // XRANGE key start end
  if ((command !== 'xRange' && command !== 'xrange') || args[2] !== '+') return undefined;
  const progress = restoreOnce.getStore();
  return progress && new Page(progress, command, args);
}

/** One page of the log. */
class Page {
  private readonly size: number;

  constructor(
    private readonly progress: RestoreProgress,
    private readonly command: 'xRange' | 'xrange',
    private readonly originalArgs: readonly unknown[],
  ) {
    this.size = PAGES.find(([pages]) => progress.pages < pages)?.[1] ?? Infinity;
  }

  /** Whether the log was read completely: the command can be skipped. */
  get isEmpty(): boolean {
    return this.progress.isComplete;
  }

  /** The arguments of the command, with the size of the page. */
  get args(): readonly unknown[] {
    if (this.size === Infinity) return this.originalArgs;
    // the formats of `redis` and of `ioredis`
    const count = this.command === 'xRange' ? [{ COUNT: this.size }] : ['COUNT', this.size];
    return [...this.originalArgs, ...count];
  }

  /** Returns the result of the command. Entries that the adapter cannot read are emptied, so that it skips them. */
  async receive(result: Promise<Entry[]>): Promise<Entry[]> {
    const { progress } = this;
    const entries = await result;
    progress.pages++;
    progress.entries += entries.length;
    progress.isComplete = entries.length < this.size;
    // a pause between pages, since the adapter processes each one synchronously
    if (!progress.isComplete) await new Promise((resolve) => setImmediate(resolve));
    return entries.map((entry) =>
      progress.isReadable(fieldsOf(entry), idOf(entry)) ? entry : withoutFields(entry),
    );
  }
}

/** An entry in the format of `redis` or of `ioredis`. */
export type Entry =
  { readonly id: string; readonly message: Fields } | readonly [id: string, flat: readonly string[]];

function withoutFields(entry: Entry): Entry {
  return 'message' in entry ? { ...entry, message: {} } : [entry[0], []];
}

function idOf(entry: Entry): string {
  return 'message' in entry ? entry.id : entry[0];
}

function fieldsOf(entry: Entry): Fields {
  if ('message' in entry) return entry.message;
  const [, flat] = entry;
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]]] : [])));
}
