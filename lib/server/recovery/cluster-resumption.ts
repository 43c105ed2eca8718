import type { Room } from 'socket.io-adapter';
import { isInTarget, REVOKED } from '../rooms/target.js';
import type { Encoding } from '../transport/encoding.js';
import type { Frame } from '../transport/frame.js';
import type { AdapterSession } from './adapter-session.js';
import { periodsSince, roomsAt } from './membership.js';
import { toFrames } from './missed-packets.js';
import { ReplayedOffsets } from './replayed-offsets.js';
import type { LogEntry } from './shared-log.js';
import { isLater } from './stream-offset.js';
import type { Resumption, StoredSession } from './types.js';

/** What a resumption needs of its recovery. */
export interface ResumptionLog {
  /** Returns the offsets of the messages that a client in these rooms missed; `undefined` if the log could not be read. */
  offsetsMissedIn(rooms: readonly Room[]): Promise<ReadonlySet<string> | undefined>;
  /**
   * Returns this node's messages that have no offset in the log yet; `undefined` if one of them revokes the session.
   *
   * @param restricted the rooms that are restored, a subset of the session's rooms
   */
  pending(rooms: readonly Room[], restricted: readonly Room[]): Frame[] | undefined;
  /** Ends the recording of what is read from the log, and returns that in order. */
  endRecording(): readonly LogEntry[];
  store(session: StoredSession): void;
}

/** A session that a client resumes from the log of a cluster. */
export class ClusterResumption implements Resumption {
  session: StoredSession;
  readonly has: (offset: string) => boolean;
  /** The session as it was stored: the option `recovery.restore` may reduce {@link session}. */
  private readonly stored: StoredSession;
  private readonly replayed: ReplayedOffsets;
  /** The rooms of the session, and those of them that are restored. */
  private readonly rooms: readonly Room[];
  private restricted: readonly Room[];

  /** @param missed what the client missed until the recording began, in order */
  constructor(
    private readonly log: ResumptionLog,
    found: AdapterSession,
    readonly offset: string,
    readonly missed: Frame[],
    private readonly encoding: Encoding,
  ) {
    const { pid: token, sid: id, rooms, data, sent, from } = found;
    // brokers turn undefined into null
    const identity = found.identity ?? undefined;
    const changes = found.changes ?? undefined;
    const gap = found.unplaced ?? undefined;
    this.stored = { token, id, rooms, data, identity, sent, from, changes, gap, address: undefined };
    this.session = this.stored;
    this.rooms = this.restricted = rooms;
    const offsets = missed.map((frame) => frame.offset!);
    this.replayed = new ReplayedOffsets(offset, offsets);
    this.has = this.replayed.has;
  }

  async restrictTo(rooms: readonly Room[]): Promise<boolean> {
    this.restricted = rooms;
    const offsets = await this.log.offsetsMissedIn(rooms);
    const remaining = this.missed.filter((frame) => offsets?.has(frame.offset!) === true);
    this.missed.splice(0, Infinity, ...remaining);
    return offsets !== undefined;
  }

  finish(): readonly Frame[] | undefined {
    const entries = this.missedSince(this.log.endRecording());
    const packets = entries.map(({ data, offset }) => [...data, offset]);
    const metas = new Map(entries.flatMap(({ offset, meta }) => (meta ? [[offset, meta] as const] : [])));
    const read = toFrames(packets, this.encoding, metas);
    const pending = this.log.pending(this.rooms, this.restricted);
    if (read === undefined || pending === undefined) return undefined;
    // two logs were read one after the other, so the second may have earlier messages than the first
    const early = read.filter((frame) => this.replayed.isBeforeLast(frame.offset!));
    for (const frame of early) this.replayed.add(frame.offset!);
    this.missed.push(...early);
    this.missed.sort((one, other) => (isLater(one.offset!, other.offset!) ? 1 : -1));
    return [...read.slice(early.length), ...pending];
  }

  /** Returns the entries for the client that are not among those found first. */
  private missedSince(entries: readonly LogEntry[]): readonly LogEntry[] {
    const { rooms, restricted, replayed } = this;
    const periods = periodsSince(this.offset, rooms, this.stored.changes ?? [], isLater);
    return entries.filter(
      (entry) =>
        // this node may read a message from the log after another node has sent it to the client
        !replayed.isKnown(entry.offset) &&
        isInTarget(roomsAt(entry.offset, periods, isLater), entry) &&
        // a session that was revoked for any of its rooms ends, even if that room is not restored
        (restricted === rooms || isInTarget(restricted, entry) || entry.data[0] === REVOKED),
    );
  }

  putBack(token?: string): void {
    const { stored } = this;
    this.log.endRecording();
    this.log.store(token === undefined ? stored : { ...stored, token, former: stored.token });
  }
}
