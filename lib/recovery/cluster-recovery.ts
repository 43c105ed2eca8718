import type { Adapter, Session } from 'socket.io-adapter';
import { emitToOtherNodes } from '../server/other-nodes.js';
import { encodePacket } from '../server/packet-encoder.js';
import { Rate } from '../server/rate.js';
import {
  isMeantFor,
  REVOKED,
  TAKE_OVER,
  type Recovery,
  type Resumption,
  type StoredSession,
} from '../server/recovery.js';
import type { Frame } from '../server/frame.js';
import { within } from '../server/within.js';
import type { Feed, LogEntry } from './feed.js';

/** A session as adapters store it: with what they do not know of, too. */
type Persisted = Session &
  Pick<StoredSession, 'sent' | 'from'> & { readonly identity?: string | null | undefined };

/** Milliseconds for the broker to find a session, and for other nodes to let go of a line. */
const PATIENCE = 1_500;
/** So many tokens a second that nobody knows are asked of the other nodes. */
const TAKE_OVERS = 20;

/** Keeps with the adapter's broker what the clients of one server miss. They can come back to any node. */
export class ClusterRecovery implements Recovery {
  readonly ready: Promise<void>;
  private readonly takeOvers = new Rate(TAKE_OVERS, TAKE_OVERS);
  private paid = 0;

  constructor(
    private readonly adapter: Adapter,
    private readonly feed: Feed,
  ) {
    this.ready = feed.ready;
  }

  get position(): string | undefined {
    return this.feed.position;
  }

  isLater(position: string, than: string): boolean {
    return isLater(position, than);
  }

  save({ token, id, rooms, data, identity, sent, from }: StoredSession): void {
    const session: Omit<Persisted, 'missedPackets'> = {
      pid: token,
      sid: id,
      rooms: [...rooms],
      data,
      identity,
      sent,
      from,
    };
    this.adapter.persistSession(session);
  }

  async resume(token: string, offset: string): Promise<Resumption | undefined> {
    const recorded = this.feed.record();
    try {
      let found = await this.restore(token, offset);
      if (found === undefined && (await this.askOthers(token))) found = await this.restore(token, offset);
      const missed = found && toFrames(found.missedPackets);
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
    // what is not there comes back as null
    const session = { token, id, rooms, data, identity: found.identity ?? undefined, sent, from };
    const known = new Set(missed.map((frame) => frame.offset!));
    const last = missed.at(-1)?.offset;
    return {
      session,
      offset,
      missed,
      later: () => {
        // the node may read the log later than the client got it from another one
        const entries = recorded().filter(
          (entry) => isLater(entry.offset, offset) && !known.has(entry.offset) && isMeantFor(rooms, entry),
        );
        const read = toFrames(entries.map((entry) => [...entry.data, entry.offset]));
        const pending = this.feed.pending(rooms);
        return read && pending && [...read, ...pending];
      },
      has: (position) => {
        if (known.has(position)) return true;
        // the node has caught up
        if (last !== undefined && isLater(position, last)) known.clear();
        return false;
      },
      giveBack: (told = token) => {
        recorded();
        this.save({ ...session, token: told });
      },
    };
  }

  private async restore(token: string, offset: string): Promise<Persisted | undefined> {
    const restored = Promise.resolve(this.adapter.restoreSession(token, offset)).catch(() => null);
    return ((await within(PATIENCE, restored, null, false)) ?? undefined) as Persisted | undefined;
  }

  /**
   * The line that has this session may be dead, and its node not know it yet; or know it just now: what it says when it
   * answers, it has stored before.
   *
   * @returns whether they were asked
   */
  private async askOthers(token: string): Promise<boolean> {
    const paid = this.takeOvers.take(this.paid, performance.now());
    if (paid === 0) return false;
    this.paid = paid;
    const answered = new Promise<void>((resolve) => {
      emitToOtherNodes(this.adapter, TAKE_OVER, [token, () => resolve()], () => resolve());
    });
    await within(PATIENCE, answered, undefined, false);
    return true;
  }
}

/** `undefined`: the session ended among what was missed. What is not to be kept has a mark of {@link markPacket}'s. */
function toFrames(packets: readonly (readonly unknown[])[]): Frame[] | undefined {
  const frames: Frame[] = [];
  for (const [event, data, ...rest] of packets) {
    if (event === REVOKED) return undefined;
    if (rest[0] === VOLATILE) continue;
    const bare = rest[0] === BARE ? { bare: true as const } : {};
    frames.push(...encodePacket({ data: [event, data, rest.at(-1)], ...bare }));
  }
  return frames;
}

const VOLATILE = 0;
const BARE = 1;

/** Adapters hand back of a packet that was missed its data alone: what else matters has to be in there. */
export function markPacket(data: readonly unknown[], isVolatile: boolean, isBare: boolean): unknown[] {
  const [event, payload] = data;
  if (isVolatile) return [event, payload, VOLATILE];
  return isBare ? [event, payload, BARE] : [event, payload];
}

/** Positions of a Redis stream: milliseconds, and a number among those of the same one. */
function isLater(offset: string, than: string): boolean {
  const [time, number] = parts(offset);
  const [otherTime, otherNumber] = parts(than);
  return time === otherTime ? number > otherNumber : time > otherTime;
}

function parts(offset: string): [number, number] {
  const [time, number] = offset.split('-');
  return [Number(time), Number(number)];
}
