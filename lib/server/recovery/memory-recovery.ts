import type { BroadcastOptions, Room } from 'socket.io-adapter';
import type { CreateAdapter } from '../rooms/adapter-factory.js';
import { LOG_OFFSET, type LoggedPacket } from '../rooms/outgoing-message.js';
import { LoggingAdapter, type AssignOffset } from './logging-adapter.js';
import type { Recovery, RecoverySettings, ResumeRequest, Resumption, StoredSession } from './types.js';
import { isRecoverable } from '../rooms/target.js';
import type { ResolvedRecovery } from './types.js';
import { prepareReplay, type Replay } from './memory-replay.js';
import { MessageLog } from './message-log.js';
import { resumes } from './resume-queue.js';
import { RunOffsets } from './run-offsets.js';
import { SessionStore, SESSIONS_PART, TOO_LARGE, type ExpiringSession } from './session-store.js';

interface Stored extends ExpiringSession {
  readonly server: string;
  /** The number of the latest entry at the disconnect. */
  readonly disconnectedAt: number;
}

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
  private readonly offsets = new RunOffsets();
  private timer: NodeJS.Timeout | undefined;

  /** @param warn logs why sessions are not stored; receives a subject that names the limit, and a text for operators */
  constructor(
    { maxDisconnectionDuration, maxStoredBytes }: Omit<ResolvedRecovery, 'restore'>,
    warn: (subject: string, text: string) => void = () => undefined,
  ) {
    this.maxDisconnectionDuration = maxDisconnectionDuration;
    const forSessions = Math.floor(maxStoredBytes * SESSIONS_PART);
    const { offsets } = this;
    this.log = new MessageLog(maxDisconnectionDuration + UNDETECTED, maxStoredBytes - forSessions, (number) =>
      offsets.of(number),
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
    const adapter = new LoggingAdapter(nsp, (packet, options) => this.assignOffset(server, packet, options));
    if (forEachSocket !== undefined) Reflect.set(adapter, 'apply', forEachSocket);
    return adapter;
  };

  of(_: unknown, server: string): Recovery {
    const { log, offsets } = this;
    return {
      ready: Promise.resolve(),
      get offset() {
        return offsets.of(log.latest);
      },
      isLater: (offset, than) => offsets.isLater(offset, than),
      save: (session) => this.save(session, server),
      resume: (token, offset, request) => this.resume(token, offset, server, request),
    };
  }

  private assignOffset(
    server: string | undefined,
    packet: LoggedPacket,
    options: BroadcastOptions,
  ): ReturnType<AssignOffset> {
    if (!isRecoverable(packet, options.flags)) return undefined;
    packet[LOG_OFFSET] = this.offsets.of(this.log.advance());
    return (frame, args) => this.log.add(server, options, frame, args);
  }

  private save(session: StoredSession, server: string): void {
    const expires = Date.now() + this.maxDisconnectionDuration;
    this.put({ ...session, server, disconnectedAt: this.log.latest, expires });
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
    const { log, offsets } = this;
    const number = offsets.numberOf(offset);
    if (number === undefined || session.expires < Date.now()) return undefined;
    // the offset of another client: this one would receive messages from before it joined its rooms
    if ((offsets.numberOf(session.from) ?? 0) > number) return undefined;
    // a client that received everything before the disconnect missed only later messages
    const from = offset === session.sent ? Math.max(number, session.disconnectedAt) : number;
    const putBack = (newToken?: string): void =>
      this.put(newToken === undefined ? session : { ...session, token: newToken, former: token });
    const { maxBytes, encoding } = request;
    const { rooms: former, changes = [] } = session;
    const search = (rooms: readonly Room[]): Promise<Replay | undefined> =>
      resumes.run(
        request,
        (work) =>
          prepareReplay(log, offsets, from, { server, former, changes, rooms, maxBytes, encoding }, work),
        () => request.isOver(),
      );
    const first = search(former);
    const tokens = found.former === undefined ? [found.token] : [found.token, found.former];
    for (const valid of tokens) this.resuming.set(valid, first);
    const replay = await first;
    for (const valid of tokens) this.resuming.delete(valid);
    if (replay === undefined) return void (request.isOver() && putBack());
    let { until } = replay;
    let rooms = former;
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
        log.reachesBack(until) ? log.since(until, { server, rooms, former, encoding }) : undefined,
      putBack,
    };
    return resumption;
  }

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
