import type { Room } from 'socket.io-adapter';
import type { StoredSession } from './types.js';
import { detach } from '../../protocol/detach.js';
import { stringBytes, valueBytes } from '../util/heap-size.js';

/** The part of `maxStoredBytes` that is for sessions; the rest is for messages. Neither takes the room of the other. */
export const SESSIONS_PART = 0.5;
/** Bytes of a session beside its rooms, its data and its user: its fields, its tokens, and where it is listed. */
const SESSION = 900;
/** Bytes of an address or a user that sessions are listed under, beside its name. */
const OWNER = 500;
const LIST = 48;
/** Bytes of a change of rooms, beside their names. */
const CHANGE = 200;
const SLOT = 8;
/** Bytes of `client.data` past which a session is not kept, and its part of all bytes. */
const MAX_DATA = 1_000_000;
const MAX_DATA_PART = 1 / 4;

/** What the log says of a session whose data takes more: behind the name of the limit. */
export const TOO_LARGE =
  'does not allow a session for a client whose client.data is that large: keep there what it needs';

/** Estimates the bytes of the heap that a session takes; `undefined`: its data takes more than `maxBytes` allow. */
export function sessionBytes(
  { rooms, data, identity, changes = [], server }: StoredSession & { readonly server?: string },
  maxBytes: number,
): number | undefined {
  const maxData = Math.min(MAX_DATA, maxBytes * MAX_DATA_PART);
  const held = valueBytes(data, maxData);
  if (held > maxData) return undefined;
  let names = LIST;
  const add = (room: Room): void => void (names += SLOT + (typeof room === 'string' ? stringBytes(room) : 0));
  rooms.forEach(add);
  for (const { joined, left } of changes) {
    names += CHANGE;
    joined?.forEach(add);
    left?.forEach(add);
  }
  return SESSION + held + names + stringBytes(identity ?? '') + stringBytes(server ?? '');
}

/** An address or a user. */
interface Owner {
  readonly name: string;
  /** The oldest first. */
  readonly sessions: Set<Kept>;
  bytes: number;
}

interface Kept {
  readonly session: Parked;
  readonly bytes: number;
  readonly owners: readonly Owner[];
}

/** A session of a client that is away. */
export interface Parked extends StoredSession {
  /** The path; of a RegExp namespace its client has chosen it. */
  readonly server?: string;
  readonly expires: number;
}

/**
 * The sessions of clients that are away, bounded in bytes of the heap. When there is no room for a further one, the
 * address or the user that takes the most loses its oldest: nobody can push out the sessions of others by leaving often.
 */
export class SessionStore<Session extends Parked> {
  /** Estimated bytes of the heap that all sessions take. */
  bytes = 0;
  private readonly byToken = new Map<string, Kept>();
  private readonly owners = new Map<string, Owner>();
  /** Owners by the number of binary digits of their bytes: finds one of the largest without a look at all. */
  private readonly classes: Set<Owner>[] = [];

  constructor(
    private readonly maxBytes: number,
    /** Is told when a session had to go to make room, or cannot be kept. */
    private readonly onDropped: (why: 'full' | 'too large') => void,
  ) {}

  get size(): number {
    return this.byToken.size;
  }

  put(session: Session): void {
    const bytes = sessionBytes(session, this.maxBytes);
    if (bytes === undefined) return this.onDropped('too large');
    const own = (room: Room): Room => (typeof room === 'string' ? detach(room) : room);
    const rooms = session.rooms.map(own);
    const changes = session.changes?.map(({ at, joined, left }) => ({
      at,
      joined: joined?.map(own),
      left: left?.map(own),
    }));
    const { address, identity, token, former } = session;
    this.take(token);
    // a client whose address is not known shares the name that no address has
    const owners = [this.owner(`address ${address ?? ''}`)];
    // where there is no user, many clients may have the same grant
    if (identity?.startsWith('user ') === true) owners.push(this.owner(identity));
    const kept: Kept = { session: { ...session, rooms, changes }, bytes, owners };
    this.byToken.set(token, kept);
    if (former !== undefined) this.byToken.set(former, kept);
    this.bytes += bytes;
    for (const owner of owners) {
      owner.sessions.add(kept);
      this.resize(owner, bytes);
    }
    if (this.bytes > this.maxBytes) this.makeRoom();
  }

  /** Takes a session out by either of its tokens. */
  take(token: string): Session | undefined {
    const kept = this.byToken.get(token);
    if (kept === undefined) return undefined;
    const { session, bytes, owners } = kept;
    this.byToken.delete(session.token);
    if (session.former !== undefined) this.byToken.delete(session.former);
    this.bytes -= bytes;
    for (const owner of owners) {
      owner.sessions.delete(kept);
      this.resize(owner, -bytes);
    }
    return session as Session;
  }

  /** Which session a token stands for. */
  peek(token: string): Session | undefined {
    return this.byToken.get(token)?.session as Session | undefined;
  }

  /** Drops those that have expired; what was put in first expires first. */
  sweep(now: number): void {
    for (const [token, { session }] of this.byToken) {
      if (session.expires > now) break;
      this.take(token);
    }
  }

  private makeRoom(): void {
    this.onDropped('full');
    while (this.bytes > this.maxBytes) {
      while (this.classes.at(-1)?.size === 0) this.classes.pop();
      const [largest] = this.classes.at(-1)!;
      const [oldest] = largest!.sessions;
      this.take(oldest!.session.token);
    }
  }

  private owner(name: string): Owner {
    const known = this.owners.get(name);
    if (known !== undefined) return known;
    const owner: Owner = { name, sessions: new Set(), bytes: 0 };
    this.owners.set(name, owner);
    const bytes = OWNER + stringBytes(name);
    this.bytes += bytes;
    return owner;
  }

  private resize(owner: Owner, by: number): void {
    this.classOf(owner.bytes).delete(owner);
    owner.bytes += by;
    if (owner.sessions.size > 0) {
      this.classOf(owner.bytes).add(owner);
      return;
    }
    this.owners.delete(owner.name);
    this.bytes -= OWNER + stringBytes(owner.name);
  }

  private classOf(bytes: number): Set<Owner> {
    const digits = Math.max(0, Math.ceil(Math.log2(bytes + 1)));
    while (this.classes.length <= digits) this.classes.push(new Set());
    return this.classes[digits]!;
  }
}
