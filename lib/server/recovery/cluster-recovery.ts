import type { Adapter, Room } from 'socket.io-adapter';
import { serverSideEmit } from '../rooms/server-side-emit.js';
import {
  TAKE_OVER,
  type Recovery,
  type ResumeRequest,
  type Resumption,
  type StoredSession,
} from './types.js';
import { isInTarget } from '../rooms/target.js';
import type { Encoding } from '../transport/encoding.js';
import type { Frame } from '../transport/frame.js';
import { ClusterResumption, type ResumptionLog } from './cluster-resumption.js';
import { periodsSince, roomsAt } from './membership.js';
import { fromBroker } from '../util/from-broker.js';
import type { SharedLog, LogEntry } from './shared-log.js';
import { toFrames } from './missed-packets.js';
import { resumes } from './resume-queue.js';
import { restoreCopy, restoreFrom, startRestore, type AdapterSession } from './adapter-session.js';
import type { RestoreProgress } from './restore-once.js';
import { isResumeToken } from './session.js';
import type { StorageBudget } from './storage-budget.js';
import { decodeBroadcast } from './stream-entry.js';
import { byLastElement, byOffset, isLater } from './stream-offset.js';
import type { TakeOverBudget } from './take-over-budget.js';

/** An adapter, and the log that it writes to. */
export interface Source {
  readonly adapter: Adapter;
  readonly log: SharedLog;
}

/** The units of work of an entry of the log. */
const UNITS_PER_ENTRY = 4;
/** The number of rooms of a client that add one unit to each entry. */
const ROOMS_PER_UNIT = 25;
/** The units that are charged before the log is read: the cost of a few entries. */
const ADVANCE_UNITS = 1_000;

/**
 * Stores the sessions and missed messages of one server's clients with the adapter's broker. Clients can resume on any
 * node.
 */
export class ClusterRecovery implements Recovery {
  readonly ready: Promise<void>;
  private readonly adapter: Adapter;
  private readonly logs: readonly SharedLog[];

  constructor(
    private readonly server: string,
    own: Source,
    /** The budget of the whole node. */
    private readonly budget: TakeOverBudget,
    /** The budget of the path. */
    private readonly storage: StorageBudget,
    /** Logs a warning about a mistake that operators can correct: a subject, and a text. */
    private readonly warn: (subject: string, text: string) => void,
    /** The adapter and log of the RegExp namespace that the server belongs to. */
    private readonly parent?: Source,
  ) {
    this.adapter = own.adapter;
    this.logs = parent === undefined ? [own.log] : [own.log, parent.log];
    this.ready = Promise.all(this.logs.map(({ ready }) => ready)).then(() => undefined);
  }

  private get adapters(): readonly Adapter[] {
    return this.parent === undefined ? [this.adapter] : [this.adapter, this.parent.adapter];
  }

  get offset(): string | undefined {
    let latest: string | undefined;
    for (const { offset } of this.logs)
      if (offset !== undefined && (latest === undefined || isLater(offset, latest))) latest = offset;
    return latest;
  }

  isLater(offset: string, than: string): boolean {
    return isLater(offset, than);
  }

  save(session: StoredSession): void {
    if (this.storage.mayStore(session)) this.store(session);
  }

  private store({ token, former, id, rooms, data, identity, sent, from, changes, gap }: StoredSession): void {
    const session: Omit<AdapterSession, 'missedPackets' | 'pid'> = {
      sid: id,
      rooms: [...rooms],
      data,
      identity,
      sent,
      from,
      changes,
      unplaced: gap,
      server: this.server,
    };
    // the token that decides first, see isOurs()
    const tokens = former === undefined ? [token] : [token, former].sort();
    for (const pid of tokens) {
      const also = tokens.find((other) => other !== pid);
      this.adapter.persistSession({ ...session, pid, also } as AdapterSession);
    }
  }

  async resume(token: string, offset: string, request: ResumeRequest): Promise<Resumption | undefined> {
    if (!isResumeToken(token)) return undefined;
    // the session stays with the broker while its client waits
    await resumes.waitForTurn(request, ADVANCE_UNITS, () => request.isOver());
    if (request.isOver()) return undefined;
    const recordings = this.logs.map((log) => log.record());
    const endRecording = (): LogEntry[] => recordings.flatMap((end) => end()).sort(byOffset);
    const metas = new Map<string, object>();
    try {
      let found = await this.restore(token, offset, request, metas);
      if (found === undefined) {
        const takeOver = async (): Promise<boolean> => {
          const isKnown = await this.requestTakeOver(token);
          found = await this.restore(token, offset, request, metas);
          return isKnown || found !== undefined;
        };
        await this.budget.spend(request, takeOver);
      }
      if (found !== undefined && !(await this.isOurs(found, offset))) return void endRecording();
      const packets = found && this.withoutRepeated(await this.packetsOf(found, offset, metas));
      const missed = packets && toFrames(packets, request.encoding, metas);
      if (found === undefined || missed === undefined) return void endRecording();
      const log = this.resumptionLog(found, offset, request.encoding, endRecording);
      return new ClusterResumption(log, found, offset, missed, request.encoding);
    } catch {
      return void endRecording();
    }
  }

  private resumptionLog(
    found: AdapterSession,
    offset: string,
    encoding: Encoding,
    endRecording: () => LogEntry[],
  ): ResumptionLog {
    return {
      offsetsMissedIn: (rooms) => this.offsetsMissedIn(found, rooms, offset),
      pending: (rooms, restricted) => this.pending(rooms, restricted, encoding),
      endRecording,
      store: (session) => this.store(session),
    };
  }

  private async restore(
    token: string,
    offset: string,
    request: ResumeRequest,
    metas: Map<string, object>,
  ): Promise<AdapterSession | undefined> {
    const progress = startRestore(this.adapter, false, metas);
    const found = await restoreFrom(this.adapter, token, offset, progress);
    // the adapter compares each entry with each room
    const units = progress.entries * (UNITS_PER_ENTRY + (found?.rooms.length ?? 0) / ROOMS_PER_UNIT);
    if (units > ADVANCE_UNITS) resumes.charge(request, units - ADVANCE_UNITS);
    if (found?.server !== this.server) return undefined;
    if (this.parent === undefined) return found;
    // an adapter finds messages to its own server only, so the parent's adapter finds those to the RegExp namespace
    const copy = await restoreCopy(this.parent.adapter, found, '', offset);
    const packets = copy && [...found.missedPackets, ...copy.missedPackets];
    return packets && { ...found, missedPackets: packets.sort(byLastElement) };
  }

  /**
   * Takes a session with two tokens out of the store by the other one, too, without reading the log. Another node may have taken
   * it by that token at the same moment, and the store may fail to remove one: who has the smaller token has the session.
   */
  private async isOurs({ pid: token, also }: AdapterSession, offset: string): Promise<boolean> {
    if (!also) return true;
    const other = await restoreFrom(this.adapter, also, offset, startRestore(this.adapter, true));
    return token < also || other?.also === token;
  }

  /** Removes the packets that repeat earlier ones. The last element of each is its offset. */
  private withoutRepeated(packets: readonly unknown[][] | undefined): readonly unknown[][] | undefined {
    return packets?.filter((packet) => !this.logs.some((log) => log.isRepeated(packet.at(-1) as string)));
  }

  /** Returns the packets that a client missed; `undefined` if the log could not be read. */
  private async packetsOf(
    found: AdapterSession,
    offset: string,
    metas: Map<string, object>,
  ): Promise<readonly unknown[][] | undefined> {
    const periods = periodsSince(offset, found.rooms, found.changes ?? [], isLater);
    // an adapter searches with the rooms at the disconnect only, which is enough if they did not change
    if (periods.length === 1) return found.missedPackets;
    const packets: unknown[][] = [];
    for (const adapter of this.adapters) {
      const progress: RestoreProgress = {
        ...startRestore(adapter),
        isReadable: (fields, entryOffset) => {
          const broadcast = decodeBroadcast(adapter, fields);
          if (broadcast === undefined) return false;
          const { packet, opts } = broadcast;
          const target = { rooms: new Set(opts.rooms), except: new Set(opts.except) };
          if (isInTarget(roomsAt(entryOffset, periods, isLater), target)) {
            packets.push([...packet.data, entryOffset]);
            if (packet.meta !== undefined) metas.set(entryOffset, packet.meta);
          }
          return false;
        },
      };
      const copy = await restoreCopy(adapter, { ...found, rooms: [] }, '.changed', offset, progress);
      if (copy === undefined) return undefined;
      if (progress.pages === 0) {
        this.warn('tolerant', NOT_TOLERANT);
        return undefined;
      }
    }
    return packets.sort(byLastElement);
  }

  /** See {@link ResumptionLog.offsetsMissedIn}. */
  private async offsetsMissedIn(
    found: AdapterSession,
    rooms: readonly Room[],
    offset: string,
  ): Promise<ReadonlySet<string> | undefined> {
    const offsets = new Set<string>();
    for (const adapter of this.adapters) {
      const copy = await restoreCopy(adapter, { ...found, rooms: [...rooms] }, '.narrowed', offset);
      if (copy === undefined) return undefined;
      for (const packet of copy.missedPackets) offsets.add(String(packet.at(-1)));
    }
    return offsets;
  }

  /** See {@link ResumptionLog.pending}. */
  private pending(
    rooms: readonly Room[],
    restricted: readonly Room[],
    encoding: Encoding,
  ): Frame[] | undefined {
    const pending = this.logs.flatMap((log) => {
      const ids = new Set(log.pending(restricted, encoding).map(([id]) => id));
      return log.pending(rooms, encoding).filter(([id]) => ids.has(id));
    });
    pending.sort(([one], [other]) => one - other);
    const frames = pending.flatMap(([, frame]) => frame ?? []);
    return frames.length === pending.length ? frames : undefined;
  }

  /**
   * Requests a session from the other nodes. One of them may have a lost connection with this session that it has not
   * detected: it ends that connection and stores the session before it responds.
   *
   * @returns whether a node knew the token
   */
  private async requestTakeOver(token: string): Promise<boolean> {
    const response = new Promise<boolean>((resolve) => {
      const done = (_: unknown, responses: unknown): void =>
        resolve(Array.isArray(responses) && responses.includes(true));
      serverSideEmit(this.adapter, TAKE_OVER, [token, done], () => resolve(false));
    });
    return fromBroker(response, false);
  }
}

const NOT_TOLERANT =
  'a client got a new session, since its rooms changed just before the connection was lost and the log of messages could ' +
  'not be read. Wrap the client of the broker with tolerant: createAdapter(tolerant(client))';
