import { randomBytes } from 'node:crypto';
import type { BroadcastOptions, Room } from 'socket.io-adapter';
import type { Encoding } from '../transport/encoding.js';
import { joinFrames, type Frame } from '../transport/frame.js';
import type { CreateAdapter } from '../rooms/adapter-factory.js';
import { periodsSince } from './membership.js';
import { PLACE, type LoggedPacket } from '../rooms/outgoing-message.js';
import { LoggingAdapter, type AssignPosition } from './logging-adapter.js';
import type { Recovery, RecoverySettings, ResumeRequest, Resumption, StoredSession } from './types.js';
import { isRecoverable } from '../rooms/target.js';
import type { ResolvedRecovery } from './types.js';
import { MessageLog, type Missed } from './message-log.js';
import { resumes, type Work } from './resume-queue.js';
import { SessionStore, SESSIONS_PART, TOO_LARGE, type ExpiringSession } from './session-store.js';

interface Stored extends ExpiringSession {
  readonly server: string;
  /** The position of the log at the disconnect. */
  readonly disconnectedAt: number;
}

/** The messages that a client missed, with the bytes to send. */
interface Replay extends Missed {
  readonly bytes: Buffer[] | undefined;
}

/** The bytes of one chunk of a replay. The outbox writes each chunk separately. */
const CHUNK = 66_000;
/**
 * How long a lost connection may remain undetected, in milliseconds. Messages written to it meanwhile have to be
 * replayed.
 */
const UNDETECTED = 60_000;
/** Milliseconds between two removals of expired sessions and messages. */
const SWEEP_INTERVAL = 10_000;
/** The expired messages that are removed in one turn of the event loop: 2 to 3 ms. */
const EXPIRED_PER_TURN = 10_000;

/** Stores the sessions and missed messages of one path's clients in memory. Clients can resume on this process only. */
export class MemoryRecovery implements RecoverySettings {
  readonly maxDisconnectionDuration: number;
  private readonly log: MessageLog;
  private readonly sessions: SessionStore<Stored>;
  /** The searches of sessions that clients are resuming, by each valid token. */
  private readonly resuming = new Map<string, Promise<unknown>>();
  /** Part of every offset, since positions of another run of the program are not valid in this one. */
  private readonly run = randomBytes(6).toString('base64url');
  private timer: NodeJS.Timeout | undefined;

  /** @param warn logs why sessions are not stored; receives a subject that names the limit, and a text for operators */
  constructor(
    { maxDisconnectionDuration, maxStoredBytes }: Omit<ResolvedRecovery, 'restore'>,
    warn: (subject: string, text: string) => void = () => undefined,
  ) {
    this.maxDisconnectionDuration = maxDisconnectionDuration;
    const forSessions = Math.floor(maxStoredBytes * SESSIONS_PART);
    this.log = new MessageLog(
      maxDisconnectionDuration + UNDETECTED,
      maxStoredBytes - forSessions,
      (position) => this.toOffset(position),
    );
    const limit = `recovery.maxStoredBytes (${maxStoredBytes}, half of it for sessions)`;
    this.sessions = new SessionStore(forSessions, (reason) => warn(limit, `${limit} ${WARNINGS[reason]}`));
  }

  /** The estimated heap bytes of messages and sessions. */
  get bytes(): number {
    return this.log.bytes + this.sessions.bytes;
  }

  /** Creates the adapter of one server: an in-memory adapter that writes its broadcasts into the log. */
  readonly adapter: CreateAdapter = (nsp, forEachSocket) => {
    // a broadcast to a RegExp namespace is for all its children
    const server = forEachSocket === undefined ? (nsp as { name: string }).name : undefined;
    const adapter = new LoggingAdapter(nsp, (packet, options) =>
      this.assignPosition(server, packet, options),
    );
    if (forEachSocket !== undefined) Reflect.set(adapter, 'apply', forEachSocket);
    return adapter;
  };

  of(_: unknown, server: string): Recovery {
    const position = (): string => this.toOffset(this.log.position);
    return {
      ready: Promise.resolve(),
      get position() {
        return position();
      },
      isLater: this.isLater,
      save: (session) => this.save(session, server),
      resume: (token, offset, request) => this.resume(token, offset, server, request),
    };
  }

  private assignPosition(
    server: string | undefined,
    packet: LoggedPacket,
    options: BroadcastOptions,
  ): ReturnType<AssignPosition> {
    if (!isRecoverable(packet, options.flags)) return undefined;
    packet[PLACE] = this.toOffset(this.log.advance());
    return (frame, args) => this.log.add(server, options, frame, args);
  }

  private save(session: StoredSession, server: string): void {
    const expires = Date.now() + this.maxDisconnectionDuration;
    this.put({ ...session, server, disconnectedAt: this.log.position, expires });
  }

  private put(session: Stored): void {
    this.sessions.put(session);
    this.timer ??= this.scheduleSweep();
  }

  private async resume(
    token: string,
    offset: string,
    server: string,
    request: ResumeRequest,
  ): Promise<Resumption | undefined> {
    // a client that gave up may retry before its disconnect is detected
    await this.resuming.get(token);
    if (this.sessions.peek(token)?.server !== server) return undefined;
    const found = this.sessions.take(token)!;
    const session = { ...found, token, former: undefined };
    const position = this.parseOffset(offset);
    if (position === undefined || session.expires < Date.now()) return undefined;
    // the offset of another client: this one would receive messages from before it joined its rooms
    if ((this.parseOffset(session.from) ?? 0) > position) return undefined;
    // a client that received everything before the disconnect missed only later messages
    const from = offset === session.sent ? Math.max(position, session.disconnectedAt) : position;
    const putBack = (newToken?: string): void =>
      this.put(newToken === undefined ? session : { ...session, token: newToken, former: token });
    const search = (rooms: readonly Room[]): Promise<Replay | undefined> =>
      resumes.run(
        request,
        (work) => this.prepareReplay(from, session, rooms, request, work),
        () => request.isOver(),
      );
    const first = search(session.rooms);
    const tokens = found.former === undefined ? [found.token] : [found.token, found.former];
    for (const valid of tokens) this.resuming.set(valid, first);
    const replay = await first;
    for (const valid of tokens) this.resuming.delete(valid);
    if (replay === undefined) return void (request.isOver() && putBack());
    let { until } = replay;
    let { rooms } = session;
    const resumption: Resumption = {
      session,
      offset,
      missed: replay.frames,
      bytes: replay.bytes,
      has: never,
      restrictTo: async (subset) => {
        const restricted = await search(subset);
        if (restricted === undefined) return false;
        rooms = subset;
        until = restricted.until;
        resumption.missed = restricted.frames;
        resumption.bytes = restricted.bytes;
        return true;
      },
      finish: () =>
        this.log.reachesBack(until)
          ? this.log.since(until, server, rooms, session.rooms, request.encoding)
          : undefined,
      putBack,
    };
    return resumption;
  }

  /**
   * Finds the missed messages of a session and encodes them.
   *
   * @param rooms the rooms of the session that are restored
   * @returns `undefined` if the client needs a new session: messages are no longer in the log, or more than `maxBytes`
   * are missing
   */
  private *prepareReplay(
    from: number,
    session: Stored,
    rooms: readonly Room[],
    { maxBytes, encoding }: ResumeRequest,
    work: Work,
  ): Generator<void, Replay | undefined> {
    if (!this.log.reachesBack(from)) return undefined;
    const missed = yield* this.searchPeriods(from, session, rooms, maxBytes, work, encoding);
    if (missed === undefined) return undefined;
    // frames of other encodings are written one by one
    if (!encoding.isJson) return { ...missed, bytes: undefined };
    const bytes: Buffer[] = [];
    let chunk: string[] = [];
    let size = 0;
    let total = 0;
    for (const frame of missed.frames) {
      const text = frame.positioned.payload as string;
      chunk.push(text);
      size += text.length;
      if (size > CHUNK) {
        const joined = joinFrames(chunk);
        if ((total += joined.length) > maxBytes) return undefined;
        bytes.push(joined);
        chunk = [];
        size = 0;
      }
      if (work.add(1)) yield;
    }
    if (chunk.length > 0) bytes.push(joinFrames(chunk));
    return { ...missed, bytes };
  }

  /**
   * Searches the log with the rooms that the client had at each position. Its offset is earlier than a change of its
   * rooms if it lost the connection before it received a message after the change.
   */
  private *searchPeriods(
    from: number,
    { server, rooms: former, changes = [] }: Stored,
    rooms: readonly Room[],
    maxBytes: number,
    work: Work,
    encoding: Encoding,
  ): Generator<void, Missed | undefined> {
    const restored = rooms === former ? undefined : new Set(rooms);
    const frames: Frame[] = [];
    let until = from;
    let bytes = 0;
    for (const period of periodsSince(this.toOffset(from), former, changes, this.isLater)) {
      const end = period.until === undefined ? Infinity : this.parseOffset(period.until);
      const searched =
        restored === undefined ? period.rooms : period.rooms.filter((room) => restored.has(room));
      const found = yield* this.log.search(
        until,
        server,
        searched,
        maxBytes - bytes,
        work,
        period.rooms,
        end,
        encoding,
      );
      if (found === undefined) return undefined;
      for (const frame of found.frames) {
        bytes += frame.length;
        frames.push(frame);
      }
      until = found.until;
    }
    return { frames, until };
  }

  private readonly isLater = (position: string, than: string): boolean =>
    (this.parseOffset(position) ?? 0) > (this.parseOffset(than) ?? 0);

  private sweep(): void {
    this.timer = undefined;
    this.sweepLog();
    this.sessions.sweep(Date.now());
    if (this.sessions.size > 0) this.timer = this.scheduleSweep();
  }

  private sweepLog(): void {
    if (!this.log.trim(EXPIRED_PER_TURN)) setImmediate(() => this.sweepLog());
  }

  private scheduleSweep(): NodeJS.Timeout {
    return setTimeout(() => this.sweep(), Math.min(this.maxDisconnectionDuration, SWEEP_INTERVAL)).unref();
  }

  private toOffset(position: number): string {
    return `${this.run}.${position}`;
  }

  /** Returns the position of an offset; `undefined` if this run of the program did not issue it. */
  private parseOffset(offset: string): number | undefined {
    const [run, position] = offset.split('.');
    return run === this.run && /^\d{1,15}$/.test(position ?? '') ? Number(position) : undefined;
  }
}

/** Not a closure, which would keep the replayed messages in memory for as long as the client is connected. */
function never(): boolean {
  return false;
}

/** The warnings of {@link SessionStore}, without the name of the limit in front. */
const WARNINGS = {
  full: 'is reached: the address or user with the most stored bytes loses its oldest sessions',
  'too large': TOO_LARGE,
} as const;
