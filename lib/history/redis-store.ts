import { assertOptions, refuseOption } from '../protocol/refuse.js';
import { redisCommands, type SendCommand } from './redis-commands.js';
import type {
  HistoryKey,
  HistoryStore,
  StoredEntry,
  StoredLimits,
  StoredPage,
  StoredQuery,
} from './store.js';

/** The options of {@link redisHistory}. */
export interface RedisHistoryOptions {
  /** The beginning of all keys. Default `envelope:history:`. */
  prefix?: string;
}

const PREFIX = 'envelope:history:';
const ID = /^\d{1,15}-\d{1,20}$/;
/** The field of an entry that has the message. */
const FIELD = 'm';
/** One of so many appends also deletes the messages that are too old. The others only limit their number. */
const TRIM_EVERY = 64;

/**
 * Stores the histories of rooms in streams of Redis, one for each room, for the nodes of a cluster. Requires Redis 6.2.
 *
 * @param client the application's client of `ioredis` or `redis`, also one of a cluster of Redis. It may be the one that the
 * adapter uses
 * @throws TypeError if the client is neither, or on an unknown option
 * @example
 * roomHistory({ rooms: { 'chat:*': { size: 200 } }, store: redisHistory(new Redis()) });
 */
export function redisHistory(client: object, options: RedisHistoryOptions = {}): HistoryStore {
  const send = redisCommands(client);
  assertOptions('redisHistory', options, ['prefix'], `{ prefix: '${PREFIX}' }`);
  const { prefix = PREFIX } = options;
  if (typeof prefix !== 'string')
    refuseOption('redisHistory', 'prefix', prefix, `a text, such as '${PREFIX}'`);
  return new RedisStore(send, prefix);
}

class RedisStore implements HistoryStore {
  readonly isShared = true;
  private appends = 0;

  constructor(
    private readonly send: SendCommand,
    private readonly prefix: string,
  ) {}

  append(key: HistoryKey, text: string, { size, ttl }: StoredLimits): Promise<unknown> {
    const name = this.nameOf(key);
    const added = this.write(name, 'XADD', name, 'MAXLEN', '~', String(size), '*', FIELD, text);
    const rest = [this.write(name, 'PEXPIRE', name, String(ttl))];
    if (++this.appends % TRIM_EVERY === 0)
      rest.push(this.write(name, 'XTRIM', name, 'MINID', '~', String(Date.now() - ttl)));
    return Promise.all([added, ...rest]);
  }

  async read(key: HistoryKey, query: StoredQuery, { size, ttl }: StoredLimits): Promise<StoredPage> {
    const name = this.nameOf(key);
    const { after, before, limit, fromStart = false } = query;
    const from = after === undefined ? '-' : `(${after}`;
    const to = before === undefined ? '+' : `(${before}`;
    // one more, to know whether the page has all, and where it begins
    const count = String(limit + 1);
    const [time, length, first, found] = await Promise.all([
      this.ask(name, 'TIME'),
      this.ask(name, 'XLEN', name),
      this.ask(name, 'XRANGE', name, '-', '+', 'COUNT', '1'),
      fromStart
        ? this.ask(name, 'XRANGE', name, from, to, 'COUNT', count)
        : this.ask(name, 'XREVRANGE', name, to, from, 'COUNT', count),
    ]);
    const now = Math.floor(Number((time as unknown[])[0]) * 1_000 + Number((time as unknown[])[1]) / 1_000);
    const oldestTime = now - ttl;
    const read = entriesOf(found);
    if (!fromStart) read.reverse();
    const isCut = read.length > limit;
    const entries = (fromStart ? read.slice(0, limit) : read.slice(isCut ? 1 : 0)).filter(
      (entry) => entry.time >= oldestTime,
    );
    const [oldest] = entriesOf(first);
    const wasTrimmed =
      Number(length) >= size && (after === undefined || oldest === undefined || isLater(oldest.id, after));
    const wasEmpty = after !== undefined && isEmptyStart(after);
    // a Redis that was restarted without its data, or has evicted the stream
    const isLost =
      after !== undefined &&
      !wasEmpty &&
      (oldest === undefined || (isLater(oldest.id, after) && idBefore(oldest.id) !== after));
    return {
      entries,
      start:
        entries[0] === undefined
          ? (after ?? (oldest === undefined ? emptyStart(now) : idBefore(`${now}-0`)))
          : idBefore(entries[0].id),
      isWhole: after !== undefined && timeOf(after) >= oldestTime && !wasTrimmed && !isCut && !isLost,
      wasEmpty,
    };
  }

  /** Leaves one entry, which says that messages are missing. */
  drop(key: HistoryKey, { ttl }: StoredLimits): Promise<unknown> {
    const name = this.nameOf(key);
    return Promise.all([
      this.write(name, 'XADD', name, 'MAXLEN', '1', '*', FIELD, ''),
      this.write(name, 'PEXPIRE', name, String(ttl)),
    ]);
  }

  isId(text: string): boolean {
    return ID.test(text);
  }

  isLater(id: string, than: string): boolean {
    return isLater(id, than);
  }

  private nameOf({ path, room }: HistoryKey): string {
    // neither a path nor its length has a colon of its own before the first one
    return `${this.prefix}${path.length}:${path}:${room}`;
  }

  private write(key: string, ...command: string[]): Promise<unknown> {
    return this.send(key, command, false);
  }

  private ask(key: string, ...command: string[]): Promise<unknown> {
    return this.send(key, command, true);
  }
}

function entriesOf(reply: unknown): StoredEntry[] {
  return (reply as [id: unknown, fields: unknown][]).map(([id, fields]) => {
    const text = String(id);
    return { id: text, time: timeOf(text), text: textOf(fields) };
  });
}

/** Both forms of the fields of an entry: a list, and with version 3 of Redis's protocol an object or a Map. */
function textOf(fields: unknown): string {
  if (Array.isArray(fields))
    return String(fields[fields.findIndex((name) => String(name) === FIELD) + 1] ?? '');
  const value: unknown =
    fields instanceof Map ? fields.get(FIELD) : Reflect.get(Object(fields) as object, FIELD);
  return typeof value === 'string' ? value : '';
}

function parts(id: string): [time: number, number: bigint] {
  const [time = '', number = '0'] = id.split('-');
  return [Number(time), BigInt(number)];
}

function timeOf(id: string): number {
  return parts(id)[0];
}

function isLater(id: string, than: string): boolean {
  const [time, number] = parts(id);
  const [otherTime, otherNumber] = parts(than);
  return time === otherTime ? number > otherNumber : time > otherTime;
}

/** Returns the greatest id before another one. */
function idBefore(id: string): string {
  const [time, number] = parts(id);
  return number > 0n ? `${time}-${number - 1n}` : `${Math.max(0, time - 1)}-${MAX_NUMBER}`;
}

/** Returns an id before all that follow, for a room that has no stream. */
function emptyStart(now: number): string {
  return `${now - 1}-${EMPTY_NUMBER}`;
}

function isEmptyStart(id: string): boolean {
  return id.endsWith(`-${EMPTY_NUMBER}`);
}

/** No entry has this number, and `idBefore` does not return it for one. */
const EMPTY_NUMBER = '18446744073709551614';
/** The greatest number of an entry within a millisecond: 2 ** 64 - 1. */
const MAX_NUMBER = '18446744073709551615';
