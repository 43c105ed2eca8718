import { AsyncLocalStorage } from 'node:async_hooks';

/** A session that is being restored, and how far the log has been read. */
export interface Pass {
  /** The end of the log has been read. */
  isRead: boolean;
  /** Commands so far. */
  pages: number;
  /** Entries of the log so far. */
  entries: number;
  /** Whether the adapter can take an entry: with one that it cannot, it restores nothing. */
  isSound(fields: Fields, position: string): boolean;
}

/** Of an entry of a stream. */
export type Fields = Readonly<Record<string, string | undefined>>;

/** Entries of one page, up to a number of pages. The adapter reads a hundred at most: the last one is the whole rest. */
const PAGES: readonly (readonly [pages: number, entries: number])[] = [
  [50, 250],
  [90, 2_000],
];

/**
 * Within it the log of a Redis stream is read in pages, up to the first that is not full. The adapter reads on until
 * nothing comes any more, up to a hundred times: where others write faster than Redis answers, a client would wait for
 * a hundred answers. What is written meanwhile the node reads by itself. In one piece the log would keep everybody
 * else waiting, since the adapter takes its entries without a pause.
 */
export const restoreOnce = new AsyncLocalStorage<Pass>();

/** What of the log a command of a Redis client is to read; `undefined`: it is none that restores a session. */
export function pageOf(command: string | symbol, args: readonly unknown[]): Page | undefined {
  // XRANGE key start end
  if ((command !== 'xRange' && command !== 'xrange') || args[2] !== '+') return undefined;
  const pass = restoreOnce.getStore();
  return pass && new Page(pass, command, args);
}

/** One page of the log. */
export class Page {
  private readonly size: number;

  constructor(
    private readonly pass: Pass,
    private readonly command: 'xRange' | 'xrange',
    private readonly given: readonly unknown[],
  ) {
    this.size = PAGES.find(([pages]) => pass.pages < pages)?.[1] ?? Infinity;
  }

  /** The log was read before: there is no need to ask. */
  get isEmpty(): boolean {
    return this.pass.isRead;
  }

  /** The arguments of the command. */
  get args(): readonly unknown[] {
    if (this.size === Infinity) return this.given;
    // as `redis` takes it, and as `ioredis` does
    const count = this.command === 'xRange' ? [{ COUNT: this.size }] : ['COUNT', this.size];
    return [...this.given, ...count];
  }

  /** What came of the command, with nothing in the entries that the adapter cannot take: it skips such entries. */
  async take(result: Promise<Entry[]>): Promise<Entry[]> {
    const { pass } = this;
    const entries = await result;
    pass.pages++;
    pass.entries += entries.length;
    pass.isRead = entries.length < this.size;
    // the adapter works on it at once
    if (!pass.isRead) await new Promise((resolve) => setImmediate(resolve));
    return entries.map((entry) => (pass.isSound(fieldsOf(entry), idOf(entry)) ? entry : emptied(entry)));
  }
}

/** As `redis` has it, and as `ioredis` has. */
export type Entry =
  { readonly id: string; readonly message: Fields } | readonly [id: string, flat: readonly string[]];

function emptied(entry: Entry): Entry {
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
