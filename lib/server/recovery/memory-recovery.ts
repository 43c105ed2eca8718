import { randomBytes } from 'node:crypto';
import type { BroadcastFlags, BroadcastOptions, Room } from 'socket.io-adapter';
import { joinFrames, type Frame } from '../transport/frame.js';
import { MemoryAdapter } from '../rooms/memory-adapter.js';
import type { CreateAdapter, ForEachSocket } from '../rooms/adapter-factory.js';
import { periodsSince } from './membership.js';
import type { OutgoingMessage } from '../rooms/outgoing-message.js';
import { encodePacket } from '../rooms/packet-encoder.js';
import { ENVELOPE } from '../transport/encoding.js';
import type { Recovery, RecoverySettings, ResumeTerms, Resumption, StoredSession } from './types.js';
import { isRecoverable } from '../rooms/target.js';
import type { ResolvedRecovery } from './types.js';
import { MessageLog, type Missed } from './message-log.js';
import { resumes, type Work } from './resume-queue.js';
import { SessionStore, SESSIONS_PART, TOO_LARGE, type Parked } from './session-store.js';

interface Stored extends Parked {
  readonly server: string;
  /** Where the log stood when the client went. */
  readonly left: number;
}

/** What a client missed, ready to be sent. */
interface Ready extends Missed {
  readonly bytes: Buffer[];
}

/** Bytes of one piece of what was missed: the outbox writes each by itself. */
const PIECE = 66_000;
/** Milliseconds for which a line may be dead before anybody notices: what was written to it has to be sent again. */
const UNNOTICED = 60_000;
const SWEEP_INTERVAL = 10_000;

/** Keeps in memory what the clients of one path miss. They can come back to this process only. */
export class MemoryRecovery implements RecoverySettings {
  readonly maxDisconnectionDuration: number;
  private readonly log: MessageLog;
  private readonly sessions: SessionStore<Stored>;
  /** By either token, sessions that are on their way back to a client. */
  private readonly leaving = new Map<string, Promise<unknown>>();
  /** Positions of another run of the program mean nothing here. */
  private readonly run = randomBytes(6).toString('base64url');
  private timer: NodeJS.Timeout | undefined;

  /** @param warn is told why sessions are not kept: a subject that names the limit, and a text for operators */
  constructor(
    { maxDisconnectionDuration, maxStoredBytes }: Omit<ResolvedRecovery, 'restore'>,
    warn: (subject: string, text: string) => void = () => undefined,
  ) {
    this.maxDisconnectionDuration = maxDisconnectionDuration;
    const forSessions = Math.floor(maxStoredBytes * SESSIONS_PART);
    this.log = new MessageLog(
      maxDisconnectionDuration + UNNOTICED,
      maxStoredBytes - forSessions,
      (position) => this.show(position),
    );
    const limit = `recovery.maxStoredBytes (${maxStoredBytes}, half of it for sessions)`;
    this.sessions = new SessionStore(forSessions, (why) => warn(limit, `${limit} ${REASONS[why]}`));
  }

  /** Estimated bytes of the heap that messages and sessions take. */
  get bytes(): number {
    return this.log.bytes + this.sessions.bytes;
  }

  /** The adapter of one server: the in-memory one, which writes all that it sends into the log. */
  readonly adapter: CreateAdapter = (nsp, walk) => {
    // what is sent to a RegExp namespace is for all its children
    const server = walk === undefined ? (nsp as { name: string }).name : undefined;
    const adapter = new LoggingAdapter(nsp, (packet, options) => this.record(server, packet, options));
    if (walk !== undefined) Reflect.set(adapter, 'apply', walk);
    return adapter;
  };

  of(_: unknown, server: string): Recovery {
    const position = (): string => this.show(this.log.position);
    return {
      ready: Promise.resolve(),
      get position() {
        return position();
      },
      isLater: this.isLater,
      save: (session) => this.save(session, server),
      resume: (token, offset, terms) => this.resume(token, offset, server, terms),
    };
  }

  /** @returns what makes the frame known to the log, `undefined` where it is not kept */
  private record(
    server: string | undefined,
    packet: LoggedPacket,
    options: BroadcastOptions,
  ): ((frame: Frame | undefined) => void) | undefined {
    if (!isRecoverable(packet, options.flags)) return undefined;
    packet.data.push(this.show(this.log.advance()));
    return (frame) => this.log.add(server, options, frame);
  }

  private save(session: StoredSession, server: string): void {
    const expires = Date.now() + this.maxDisconnectionDuration;
    this.put({ ...session, server, left: this.log.position, expires });
  }

  private put(session: Stored): void {
    this.sessions.put(session);
    this.timer ??= this.later();
  }

  private async resume(
    token: string,
    offset: string,
    server: string,
    terms: ResumeTerms,
  ): Promise<Resumption | undefined> {
    // a client that gave up may come again before it is known to have gone
    await this.leaving.get(token);
    if (this.sessions.peek(token)?.server !== server) return undefined;
    const found = this.sessions.take(token)!;
    const session = { ...found, token, former: undefined };
    const position = this.read(offset);
    if (position === undefined || session.expires < Date.now()) return undefined;
    // it would get what was said in its rooms before it joined them
    if ((this.read(session.from) ?? 0) > position) return undefined;
    // who has all that was written to it misses only what came later
    const from = offset === session.sent ? Math.max(position, session.left) : position;
    const giveBack = (told?: string): void =>
      this.put(told === undefined ? session : { ...session, token: told, former: token });
    const search = (rooms: readonly Room[]): Promise<Ready | undefined> =>
      resumes.run(
        terms,
        (work) => this.missed(from, session, rooms, terms.maxBytes, work),
        () => terms.isOver(),
      );
    const first = search(session.rooms);
    const tokens = found.former === undefined ? [found.token] : [found.token, found.former];
    for (const one of tokens) this.leaving.set(one, first);
    const missed = await first;
    for (const one of tokens) this.leaving.delete(one);
    if (missed === undefined) return void (terms.isOver() && giveBack());
    let { until } = missed;
    let { rooms } = session;
    const resumption: Resumption & { bytes: Buffer[] } = {
      session,
      offset,
      missed: missed.frames,
      bytes: missed.bytes,
      has: never,
      narrow: async (left) => {
        const less = await search(left);
        if (less === undefined) return false;
        rooms = left;
        until = less.until;
        resumption.missed = less.frames;
        resumption.bytes = less.bytes;
        return true;
      },
      later: () =>
        this.log.reachesBack(until) ? this.log.since(until, server, rooms, session.rooms) : undefined,
      giveBack,
    };
    return resumption;
  }

  /** @param rooms those of the session that its client gets back. @returns `undefined`: it needs a new session */
  private *missed(
    from: number,
    session: Stored,
    rooms: readonly Room[],
    maxBytes: number,
    work: Work,
  ): Generator<void, Ready | undefined> {
    if (!this.log.reachesBack(from)) return undefined;
    const missed = yield* this.searchPeriods(from, session, rooms, maxBytes, work);
    if (missed === undefined) return undefined;
    const bytes: Buffer[] = [];
    let piece: string[] = [];
    let size = 0;
    let total = 0;
    for (const frame of missed.frames) {
      const text = frame.positionedText;
      piece.push(text);
      size += text.length;
      if (size > PIECE) {
        const joined = joinFrames(piece);
        if ((total += joined.length) > maxBytes) return undefined;
        bytes.push(joined);
        piece = [];
        size = 0;
      }
      if (work.add(1)) yield;
    }
    if (piece.length > 0) bytes.push(joinFrames(piece));
    return { ...missed, bytes };
  }

  /** A client that did not hear of a change of its rooms shows a position before it. */
  private *searchPeriods(
    from: number,
    { server, rooms: former, changes = [] }: Stored,
    rooms: readonly Room[],
    maxBytes: number,
    work: Work,
  ): Generator<void, Missed | undefined> {
    const kept = rooms === former ? undefined : new Set(rooms);
    const frames: Frame[] = [];
    let until = from;
    let bytes = 0;
    for (const period of periodsSince(this.show(from), former, changes, this.isLater)) {
      const end = period.until === undefined ? Infinity : this.read(period.until);
      const chosen = kept === undefined ? period.rooms : period.rooms.filter((room) => kept.has(room));
      const found = yield* this.log.search(until, server, chosen, maxBytes - bytes, work, period.rooms, end);
      if (found === undefined) return undefined;
      for (const frame of found.frames) {
        bytes += frame.payload.length;
        frames.push(frame);
      }
      until = found.until;
    }
    return { frames, until };
  }

  private readonly isLater = (position: string, than: string): boolean =>
    (this.read(position) ?? 0) > (this.read(than) ?? 0);

  private sweep(): void {
    this.timer = undefined;
    this.log.trim();
    this.sessions.sweep(Date.now());
    if (this.sessions.size > 0) this.timer = this.later();
  }

  private later(): NodeJS.Timeout {
    return setTimeout(() => this.sweep(), Math.min(this.maxDisconnectionDuration, SWEEP_INTERVAL)).unref();
  }

  private show(position: number): string {
    return `${this.run}.${position}`;
  }

  private read(offset: string): number | undefined {
    const [run, position] = offset.split('.');
    return run === this.run && /^\d{1,15}$/.test(position ?? '') ? Number(position) : undefined;
  }
}

/** Not a closure: it would keep what was found for as long as its client stays. */
function never(): boolean {
  return false;
}

const REASONS = {
  full: 'is reached: who holds the most, an address or a user, loses its oldest sessions',
  'too large': TOO_LARGE,
} as const;

interface LoggedPacket {
  data: unknown[];
}

type Record = (
  packet: LoggedPacket,
  options: BroadcastOptions,
) => ((frame: Frame | undefined) => void) | undefined;

class LoggingAdapter extends MemoryAdapter {
  constructor(
    nsp: unknown,
    private readonly record: Record,
  ) {
    super(nsp);
  }

  override broadcast(packet: LoggedPacket, options: BroadcastOptions): void {
    const added = this.record(packet, options);
    if (added === undefined) return super.broadcast(packet, options);
    const messages = encodePacket(packet);
    added(messages[0]?.frame(ENVELOPE));
    const flags: BroadcastFlags = options.flags ?? {};
    (this as unknown as { apply: ForEachSocket }).apply(options, (socket) => {
      const recipient = socket as Recipient;
      recipient.notifyOutgoingListeners(packet);
      recipient.client.writeToEngine(messages, flags);
    });
  }
}

interface Recipient {
  notifyOutgoingListeners(packet: LoggedPacket): void;
  readonly client: { writeToEngine(messages: readonly OutgoingMessage[], flags: BroadcastFlags): void };
}
