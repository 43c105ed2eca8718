import type { Adapter, Room, Session } from 'socket.io-adapter';
import { serverSideEmit } from '../rooms/server-side-emit.js';
import { TAKE_OVER, type Recovery, type ResumeTerms, type Resumption, type StoredSession } from './types.js';
import { isInTarget, REVOKED } from '../rooms/target.js';
import type { Frame } from '../transport/frame.js';
import { periodsSince, roomsAt } from './membership.js';
import { withTimeout } from '../util/with-timeout.js';
import type { SharedLog, LogEntry } from './shared-log.js';
import { toFrames } from './marked-packet.js';
import { resumes } from './resume-queue.js';
import { restoreOnce, type Pass } from './restore-once.js';
import type { StorageBudget } from './storage-budget.js';
import { broadcastOf, isSoundFor } from './stream-entry.js';
import { byLast, inOrder, isLater } from './stream-position.js';
import type { TakeOverBudget } from './take-over-budget.js';

/** A session as adapters store it: with what they do not know of, too. */
type Persisted = Session &
  Pick<StoredSession, 'sent' | 'from' | 'changes'> & {
    readonly identity?: string | null | undefined;
    /** Brokers do not tell the sessions of one server from those of another. */
    readonly server: string;
    /** The token that is void with this one. */
    readonly also?: string | undefined;
  };

/** What a server's clients get messages by. */
export interface Source {
  readonly adapter: Adapter;
  readonly feed: SharedLog;
}

/** Milliseconds for the broker to find a session, and for other nodes to let go of a line. */
const PATIENCE = 1_500;
/** Units of work that an entry of the log costs, and rooms of a client that cost one unit more. */
const ENTRY = 4;
const ROOMS = 25;
/** Units that are charged before the log is read: what few entries cost. */
const ADVANCE = 1_000;

/** Keeps with the adapter's broker what the clients of one server miss. They can come back to any node. */
export class ClusterRecovery implements Recovery {
  readonly ready: Promise<void>;
  private readonly adapter: Adapter;
  private readonly feeds: readonly SharedLog[];

  constructor(
    private readonly server: string,
    own: Source,
    /** Of the whole node. */
    private readonly budget: TakeOverBudget,
    /** Of the path. */
    private readonly storage: StorageBudget,
    /** Is told of what operators can mend: a subject, and a text. */
    private readonly warn: (subject: string, text: string) => void,
    /** Of the RegExp namespace that the server belongs to. */
    private readonly parent?: Source,
  ) {
    this.adapter = own.adapter;
    this.feeds = parent === undefined ? [own.feed] : [own.feed, parent.feed];
    this.ready = Promise.all(this.feeds.map(({ ready }) => ready)).then(() => undefined);
  }

  private get adapters(): readonly Adapter[] {
    return this.parent === undefined ? [this.adapter] : [this.adapter, this.parent.adapter];
  }

  get position(): string | undefined {
    let latest: string | undefined;
    for (const { position } of this.feeds)
      if (position !== undefined && (latest === undefined || isLater(position, latest))) latest = position;
    return latest;
  }

  isLater(position: string, than: string): boolean {
    return isLater(position, than);
  }

  save(session: StoredSession): void {
    if (this.storage.mayKeep(session)) this.store(session);
  }

  private store({ token, former, id, rooms, data, identity, sent, from, changes }: StoredSession): void {
    const session: Omit<Persisted, 'missedPackets' | 'pid'> = {
      sid: id,
      rooms: [...rooms],
      data,
      identity,
      sent,
      from,
      changes,
      server: this.server,
    };
    this.adapter.persistSession({ ...session, pid: token, also: former } as Persisted);
    if (former !== undefined)
      this.adapter.persistSession({ ...session, pid: former, also: token } as Persisted);
  }

  async resume(token: string, offset: string, terms: ResumeTerms): Promise<Resumption | undefined> {
    // the session stays with the broker while its client waits
    await resumes.enter(terms, ADVANCE, () => terms.isOver());
    if (terms.isOver()) return undefined;
    const records = this.feeds.map((feed) => feed.record());
    const recorded = (): LogEntry[] => records.flatMap((end) => end()).sort(inOrder);
    try {
      let found = await this.restore(token, offset, terms);
      if (found === undefined) {
        const takeOver = async (): Promise<boolean> => {
          const isKnown = await this.askOthers(token);
          found = await this.restore(token, offset, terms);
          return isKnown || found !== undefined;
        };
        await this.budget.spend(terms, takeOver);
      }
      // what this one missed is not asked for
      if (found?.also) await restoreFrom(this.adapter, found.also, offset, passOf(this.adapter, true));
      const packets = found && (await this.packetsOf(found, offset));
      const missed = packets && toFrames(packets);
      if (found === undefined || missed === undefined) return void recorded();
      return this.resumption(found, missed, offset, recorded);
    } catch {
      return void recorded();
    }
  }

  private resumption(
    found: Persisted,
    missed: Frame[],
    offset: string,
    recorded: () => LogEntry[],
  ): Resumption {
    const { pid: token, sid: id, rooms, data, sent, from } = found;
    const changes = found.changes ?? undefined;
    const periods = periodsSince(offset, rooms, changes ?? [], isLater);
    // what is not there comes back as null
    const identity = found.identity ?? undefined;
    const session = { token, id, rooms, data, identity, sent, from, changes, address: undefined };
    const known = new Set(missed.map((frame) => frame.offset!));
    const last = missed.at(-1)?.offset;
    let isBehind = true;
    let narrowed: readonly Room[] = rooms;
    return {
      session,
      offset,
      missed,
      narrow: async (left) => {
        narrowed = left;
        const meant = await this.missedIn(found, left, offset);
        const still = missed.filter((frame) => meant?.has(frame.offset!) === true);
        missed.splice(0, Infinity, ...still);
        return meant !== undefined;
      },
      later: () => {
        // the node may read the log later than the client got it from another one
        const entries = recorded().filter(
          (entry) =>
            isLater(entry.offset, offset) &&
            !known.has(entry.offset) &&
            isInTarget(roomsAt(entry.offset, periods, isLater), entry) &&
            // a session that was ended for a room ends, whatever is left of its rooms
            (narrowed === rooms || isInTarget(narrowed, entry) || entry.data[0] === REVOKED),
        );
        const read = toFrames(entries.map((entry) => [...entry.data, entry.offset]));
        const pending = this.pending(rooms, narrowed);
        if (read === undefined || pending === undefined) return undefined;
        // two logs were asked one after the other
        const early = read.filter((frame) => last !== undefined && isLater(last, frame.offset!));
        for (const frame of early) known.add(frame.offset!);
        missed.push(...early);
        missed.sort((one, other) => (isLater(one.offset!, other.offset!) ? 1 : -1));
        return [...read.slice(early.length), ...pending];
      },
      has: (position) => {
        if (!isBehind) return false;
        // the client may have had from another node what this one reads only now
        if (known.has(position) || !isLater(position, offset)) return true;
        isBehind = last !== undefined && !isLater(position, last);
        if (!isBehind) known.clear();
        return false;
      },
      giveBack: (told) => {
        recorded();
        this.store(told === undefined ? session : { ...session, token: told, former: token });
      },
    };
  }

  private async restore(token: string, offset: string, terms: ResumeTerms): Promise<Persisted | undefined> {
    const pass = passOf(this.adapter);
    const found = await restoreFrom(this.adapter, token, offset, pass);
    // the adapter compares each entry with each room
    const units = pass.entries * (ENTRY + (found?.rooms.length ?? 0) / ROOMS);
    if (units > ADVANCE) resumes.charge(terms, units - ADVANCE);
    if (found?.server !== this.server) return undefined;
    if (this.parent === undefined) return found;
    // an adapter finds what was sent to its own server alone
    const whole = await restoreCopy(this.parent.adapter, found, '', offset);
    const packets = whole && [...found.missedPackets, ...whole.missedPackets];
    return packets && { ...found, missedPackets: packets.sort(byLast) };
  }

  /** What a client missed; `undefined`: that cannot be found out. */
  private async packetsOf(found: Persisted, offset: string): Promise<readonly unknown[][] | undefined> {
    const periods = periodsSince(offset, found.rooms, found.changes ?? [], isLater);
    // an adapter looks for what concerns the rooms of the end
    if (periods.length === 1) return found.missedPackets;
    const packets: unknown[][] = [];
    for (const adapter of this.adapters) {
      const pass: Pass = {
        ...passOf(adapter),
        isSound: (fields, position) => {
          const broadcast = broadcastOf(adapter, fields);
          if (broadcast === undefined) return false;
          const { packet, opts } = broadcast;
          const target = { rooms: new Set(opts.rooms), except: new Set(opts.except) };
          if (isInTarget(roomsAt(position, periods, isLater), target))
            packets.push([...packet.data, position]);
          return false;
        },
      };
      const whole = await restoreCopy(adapter, { ...found, rooms: [] }, '.changed', offset, pass);
      if (whole === undefined) return undefined;
      if (pass.pages === 0) {
        this.warn('tolerant', NOT_TOLERANT);
        return undefined;
      }
    }
    return packets.sort(byLast);
  }

  /** Positions of what a client in these rooms would have missed; `undefined`: that could not be found out. */
  private async missedIn(
    found: Persisted,
    rooms: readonly Room[],
    offset: string,
  ): Promise<ReadonlySet<string> | undefined> {
    const meant = new Set<string>();
    for (const adapter of this.adapters) {
      const whole = await restoreCopy(adapter, { ...found, rooms: [...rooms] }, '.narrowed', offset);
      if (whole === undefined) return undefined;
      for (const packet of whole.missedPackets) meant.add(String(packet.at(-1)));
    }
    return meant;
  }

  /** `undefined`: one of them ends the session. */
  private pending(rooms: readonly Room[], narrowed: readonly Room[]): Frame[] | undefined {
    const pending = this.feeds.flatMap((feed) => {
      const marks = new Set(feed.pending(narrowed).map(([mark]) => mark));
      return feed.pending(rooms).filter(([mark]) => marks.has(mark));
    });
    pending.sort(([one], [other]) => one - other);
    const frames = pending.flatMap(([, frame]) => frame ?? []);
    return frames.length === pending.length ? frames : undefined;
  }

  /**
   * Another node may hold a connection with this session that is dead. It ends that connection and stores the session
   * before it answers.
   *
   * @returns whether a node knew the token
   */
  private async askOthers(token: string): Promise<boolean> {
    const answered = new Promise<boolean>((resolve) => {
      const done = (_: unknown, answers: unknown): void =>
        resolve(Array.isArray(answers) && answers.includes(true));
      serverSideEmit(this.adapter, TAKE_OVER, [token, done], () => resolve(false));
    });
    return withTimeout(PATIENCE, answered, false, false);
  }
}

const NOT_TOLERANT =
  'a client whose rooms had changed just before its connection was lost got a new session, since the log of messages could ' +
  'not be read: pass the broker’s client through tolerant, createAdapter(tolerant(client))';

async function restoreFrom(
  adapter: Adapter,
  token: string,
  offset: string,
  pass: Pass,
): Promise<Persisted | undefined> {
  const ask = async (): Promise<unknown> => adapter.restoreSession(token, offset);
  const restored = restoreOnce.run(pass, ask).catch(() => null);
  return ((await withTimeout(PATIENCE, restored, null, false)) ?? undefined) as Persisted | undefined;
}

/**
 * Gives an adapter a changed copy of a session, and reads that: an adapter finds what was missed only for a session that
 * it has. The copy is of no server, so that no client resumes it.
 *
 * @param suffix tells the copies of one session apart
 */
function restoreCopy(
  adapter: Adapter,
  session: Persisted,
  suffix: string,
  offset: string,
  pass: Pass = passOf(adapter),
): Promise<Persisted | undefined> {
  const key = `${session.pid}.${adapter.nsp.name}${suffix}`;
  adapter.persistSession({ ...session, pid: key, server: '', missedPackets: [] } as Persisted);
  return restoreFrom(adapter, key, offset, pass);
}

/** @param isRead nothing of the log is asked for */
function passOf(adapter: Adapter, isRead = false): Pass {
  return { isRead, pages: 0, entries: 0, isSound: (fields) => isSoundFor(adapter, fields) };
}
