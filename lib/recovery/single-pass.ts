import { AsyncLocalStorage } from 'node:async_hooks';

/** A session that is being restored, and whether what was missed has been read. */
export interface Pass {
  isRead: boolean;
  /** Whether the adapter can take an entry: with one that it cannot, it restores nothing. */
  isSound(fields: Fields): boolean;
}

/** Of an entry of a stream. */
export type Fields = Readonly<Record<string, string | undefined>>;

/**
 * Within it the log of a Redis stream has been read to its end when it was read once. The adapter reads on until
 * nothing comes any more, up to a hundred times: where others write faster than Redis answers, a client would wait for
 * a hundred answers. What is written meanwhile the node reads by itself.
 */
export const singlePass = new AsyncLocalStorage<Pass>();

/** Whether a command of a Redis client is one too many. */
export function isReadAgain(command: string | symbol, args: readonly unknown[]): boolean {
  // XRANGE key start end
  if (command !== 'xRange' && command !== 'xrange') return false;
  const pass = singlePass.getStore();
  if (pass === undefined || args[2] !== '+') return false;
  const isAgain = pass.isRead;
  pass.isRead = true;
  return isAgain;
}

/** What came of a command, without the entries that an adapter that is restoring a session cannot take. */
export function withoutGarbage(command: string | symbol, args: readonly unknown[], result: unknown): unknown {
  if ((command !== 'xRange' && command !== 'xrange') || args[2] !== '+') return result;
  const pass = singlePass.getStore();
  if (pass === undefined || !(result instanceof Promise)) return result;
  return result.then((entries: Entry[]) => entries.filter((entry) => pass.isSound(fieldsOf(entry))));
}

/** As `redis` has it, and as `ioredis` has. */
type Entry = { readonly message: Fields } | readonly [id: string, flat: readonly string[]];

function fieldsOf(entry: Entry): Fields {
  if ('message' in entry) return entry.message;
  const [, flat] = entry;
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]]] : [])));
}
