import { randomBytes } from 'node:crypto';
import type { BroadcastFlags, BroadcastOptions } from 'socket.io-adapter';
import type { Frame } from '../server/frame.js';
import { MemoryAdapter } from '../server/memory-adapter.js';
import type { AdapterMaker, Walk } from '../server/mount.js';
import { encodePacket } from '../server/packet-encoder.js';
import {
  isKept,
  type Recovery,
  type RecoverySettings,
  type Resumption,
  type StoredSession,
} from '../server/recovery.js';
import type { RecoveryOptions } from './options.js';
import { MessageLog } from './message-log.js';

interface Stored extends StoredSession {
  readonly server: string;
  /** Where the log stood when the client went. */
  readonly left: number;
  readonly expires: number;
}

/** Sessions of clients that are away; past that many the oldest go. */
const MAX_SESSIONS = 100_000;
/** Milliseconds for which a line may be dead before anybody notices: what was written to it has to be sent again. */
const UNNOTICED = 60_000;
const SWEEP_INTERVAL = 10_000;

/** Keeps in memory what the clients of one path miss. They can come back to this process only. */
export class MemoryRecovery implements RecoverySettings {
  readonly maxDisconnectionDuration: number;
  private readonly log: MessageLog;
  private readonly sessions = new Map<string, Stored>();
  /** Positions of another run of the program mean nothing here. */
  private readonly run = randomBytes(6).toString('base64url');
  private timer: NodeJS.Timeout | undefined;

  constructor({ maxDisconnectionDuration, maxStoredBytes }: Required<RecoveryOptions>) {
    this.maxDisconnectionDuration = maxDisconnectionDuration;
    this.log = new MessageLog(maxDisconnectionDuration + UNNOTICED, maxStoredBytes);
  }

  /** The adapter of one server: the in-memory one, which writes all that it sends into the log. */
  readonly adapter: AdapterMaker = (nsp, walk) => {
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
      isLater: (offset, than) => (this.read(offset) ?? 0) > (this.read(than) ?? 0),
      save: (session) => this.save(session, server),
      resume: (token, offset) => Promise.resolve(this.resume(token, offset, server)),
    };
  }

  /** @returns what makes the frame known to the log, `undefined` where it is not kept */
  private record(
    server: string | undefined,
    packet: LoggedPacket,
    options: BroadcastOptions,
  ): ((frame: Frame | undefined) => void) | undefined {
    if (!isKept(packet, options.flags)) return undefined;
    packet.data.push(this.show(this.log.advance()));
    return (frame) => this.log.add(server, options, frame);
  }

  private save(session: StoredSession, server: string): void {
    const expires = Date.now() + this.maxDisconnectionDuration;
    this.put({ ...session, server, left: this.log.position, expires });
    const [oldest] = this.sessions.keys();
    if (this.sessions.size > MAX_SESSIONS && oldest !== undefined) this.sessions.delete(oldest);
    this.timer ??= this.later();
  }

  private put(session: Stored): void {
    this.sessions.set(session.token, session);
    if (session.former !== undefined) this.sessions.set(session.former, session);
  }

  private resume(token: string, offset: string, server: string): Resumption | undefined {
    const found = this.sessions.get(token);
    if (found?.server !== server) return undefined;
    this.sessions.delete(found.token);
    if (found.former !== undefined) this.sessions.delete(found.former);
    const session = { ...found, token, former: undefined };
    const position = this.read(offset);
    if (position === undefined || session.expires < Date.now()) return undefined;
    // who has all that was written to it misses only what came later
    const from = offset === session.sent ? Math.max(position, session.left) : position;
    const missed = this.log.reachesBack(from) ? this.log.since(from, server, session.rooms) : undefined;
    if (missed === undefined) return undefined;
    const until = this.log.position;
    return {
      session,
      offset,
      missed,
      has: () => false,
      later: () => (this.log.reachesBack(until) ? this.log.since(until, server, session.rooms) : undefined),
      giveBack: (told) => this.put(told === undefined ? session : { ...session, token: told, former: token }),
    };
  }

  /** Those that were put in first expire first. */
  private sweep(): void {
    this.timer = undefined;
    this.log.trim();
    for (const [token, { expires }] of this.sessions) {
      if (expires > Date.now()) break;
      this.sessions.delete(token);
    }
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
    const [frame] = encodePacket(packet);
    added(frame);
    const frames = frame === undefined ? [] : [frame];
    const flags: BroadcastFlags = options.flags ?? {};
    (this as unknown as { apply: Walk }).apply(options, (socket) => {
      const recipient = socket as Recipient;
      recipient.notifyOutgoingListeners(packet);
      recipient.client.writeToEngine(frames, flags);
    });
  }
}

interface Recipient {
  notifyOutgoingListeners(packet: LoggedPacket): void;
  readonly client: { writeToEngine(frames: readonly Frame[], flags: BroadcastFlags): void };
}
