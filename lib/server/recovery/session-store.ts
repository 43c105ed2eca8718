import type { Room } from 'socket.io-adapter';
import type { StoredSession } from './types.js';
import { detach } from '../../protocol/detach.js';
import { stringBytes, valueBytes } from '../util/heap-size.js';

/** The share of `maxStoredBytes` for sessions; the rest is for messages. Neither can use the share of the other. */
export const SESSIONS_PART = 0.5;
/** Bytes of a session without its rooms, data and user: its fields, its tokens, and its entries in the lists. */
const SESSION = 900;
/** Bytes of an owner (an address or a user) without its name. */
const OWNER = 500;
/** Bytes of a list of rooms without its elements. */
const LIST = 48;
/** Bytes of a change of rooms without the names. */
const CHANGE = 200;
/** Bytes of one element of a list. */
const SLOT = 8;
/** The maximum number of bytes of `client.data` in a session, and its maximum share of all bytes for sessions. */
const MAX_DATA = 1_000_000;
const MAX_DATA_PART = 1 / 4;

/** The warning about a session whose data takes more, without the name of the limit in front. */
export const TOO_LARGE =
  'is too small to store the session of a client whose client.data is that large: store less in client.data';

/** Estimates the heap bytes of a session. Returns `undefined` if its data exceeds a quarter of `maxBytes`, or 1 MB. */
export function sessionBytes(
  { rooms, data, identity, changes = [], server }: StoredSession & { readonly server?: string },
  maxBytes: number,
): number | undefined {
  const maxData = Math.min(MAX_DATA, maxBytes * MAX_DATA_PART);
  const dataBytes = valueBytes(data, maxData);
  if (dataBytes > maxData) return undefined;
  let roomBytes = LIST;
  const add = (room: Room): void =>
    void (roomBytes += SLOT + (typeof room === 'string' ? stringBytes(room) : 0));
  rooms.forEach(add);
  for (const { joined, left } of changes) {
    roomBytes += CHANGE;
    joined?.forEach(add);
    left?.forEach(add);
  }
  return SESSION + dataBytes + roomBytes + stringBytes(identity ?? '') + stringBytes(server ?? '');
}

/** An address or a user, and its sessions. */
interface Owner {
  readonly name: string;
  /** Ordered by age, the oldest first. */
  readonly sessions: Set<StoreEntry>;
  bytes: number;
}

interface StoreEntry {
  readonly session: ExpiringSession;
  readonly bytes: number;
  readonly owners: readonly Owner[];
}

/** A stored session with its expiry. */
export interface ExpiringSession extends StoredSession {
  /** The path of the server. In a RegExp namespace the client chooses it. */
  readonly server?: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/**
 * The sessions of disconnected clients, limited in heap bytes. When the store is full, the address or user with the
 * most bytes loses its oldest sessions: so no client can evict the sessions of others by reconnecting often.
 */
export class SessionStore<Session extends ExpiringSession> {
  /** The estimated heap bytes of all sessions. */
  bytes = 0;
  private readonly byToken = new Map<string, StoreEntry>();
  private readonly owners = new Map<string, Owner>();
  /** Owners by the number of binary digits of their bytes: finds one of the largest without a search through all. */
  private readonly sizeClasses: Set<Owner>[] = [];

  constructor(
    private readonly maxBytes: number,
    /** Called when sessions are evicted, or one is too large to be stored. */
    private readonly onDropped: (why: 'full' | 'too large') => void,
  ) {}

  get size(): number {
    return this.byToken.size;
  }

  /** Stores a session, and evicts others if the store is full. */
  put(session: Session): void {
    const bytes = sessionBytes(session, this.maxBytes);
    if (bytes === undefined) return this.onDropped('too large');
    const copy = (room: Room): Room => (typeof room === 'string' ? detach(room) : room);
    const rooms = session.rooms.map(copy);
    const changes = session.changes?.map(({ at, joined, left }) => ({
      at,
      joined: joined?.map(copy),
      left: left?.map(copy),
    }));
    const { address, identity, token, former } = session;
    this.take(token);
    // all clients without a known address share one owner, whose name no address has
    const owners = [this.ownerOf(`address ${address ?? ''}`)];
    // without a user, many clients may have the same grant
    if (identity?.startsWith('user ') === true) owners.push(this.ownerOf(identity));
    const entry: StoreEntry = { session: { ...session, rooms, changes }, bytes, owners };
    this.byToken.set(token, entry);
    if (former !== undefined) this.byToken.set(former, entry);
    this.bytes += bytes;
    for (const owner of owners) {
      owner.sessions.add(entry);
      this.resize(owner, bytes);
    }
    if (this.bytes > this.maxBytes) this.evict();
  }

  /** Removes the session that has this token, and returns it. */
  take(token: string): Session | undefined {
    const entry = this.byToken.get(token);
    if (entry === undefined) return undefined;
    const { session, bytes, owners } = entry;
    this.byToken.delete(session.token);
    if (session.former !== undefined) this.byToken.delete(session.former);
    this.bytes -= bytes;
    for (const owner of owners) {
      owner.sessions.delete(entry);
      this.resize(owner, -bytes);
    }
    return session as Session;
  }

  /** Returns the session that has this token. */
  peek(token: string): Session | undefined {
    return this.byToken.get(token)?.session as Session | undefined;
  }

  /** Removes expired sessions. The oldest expire first. */
  sweep(now: number): void {
    for (const [token, { session }] of this.byToken) {
      if (session.expires > now) break;
      this.take(token);
    }
  }

  private evict(): void {
    this.onDropped('full');
    while (this.bytes > this.maxBytes) {
      while (this.sizeClasses.at(-1)?.size === 0) this.sizeClasses.pop();
      const [largest] = this.sizeClasses.at(-1)!;
      const [oldest] = largest!.sessions;
      this.take(oldest!.session.token);
    }
  }

  private ownerOf(name: string): Owner {
    const known = this.owners.get(name);
    if (known !== undefined) return known;
    const owner: Owner = { name, sessions: new Set(), bytes: 0 };
    this.owners.set(name, owner);
    const bytes = OWNER + stringBytes(name);
    this.bytes += bytes;
    return owner;
  }

  private resize(owner: Owner, by: number): void {
    this.sizeClassOf(owner.bytes).delete(owner);
    owner.bytes += by;
    if (owner.sessions.size > 0) {
      this.sizeClassOf(owner.bytes).add(owner);
      return;
    }
    this.owners.delete(owner.name);
    this.bytes -= OWNER + stringBytes(owner.name);
  }

  private sizeClassOf(bytes: number): Set<Owner> {
    const digits = Math.max(0, Math.ceil(Math.log2(bytes + 1)));
    while (this.sizeClasses.length <= digits) this.sizeClasses.push(new Set());
    return this.sizeClasses[digits]!;
  }
}
