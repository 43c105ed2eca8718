import { isDeepStrictEqual } from 'node:util';
import type { Room } from 'socket.io-adapter';
import { assertCarried } from '../../protocol/payload.js';
import { refuse } from '../../protocol/refuse.js';
import { withCode } from '../../protocol/with-code.js';
import { assertFunction } from '../util/arguments.js';
import { nameOfUser } from '../handshake/user-identity.js';
import type { PresenceHost, Tracked } from './presence-host.js';
import { MemberChanges } from './member-changes.js';
import { PeerMessages, PRESENCE, respond } from './peer-messages.js';
import { PresenceTable } from './presence-table.js';
import type { PresenceListener } from './presence-view.js';
import { assertClient, checkSize } from './presence-checks.js';
import {
  shareRule,
  statesRule,
  type ShareOptions,
  type ShareRule,
  type ShareStatesOptions,
} from './share-rules.js';
import { SHARED_MEMBERS, SHARED_STATES, SharedRooms } from './shared-rooms.js';
import { SharedStates } from './shared-states.js';
import { presenceKey, NO_ROOMS, addRooms } from '../rooms/room-names.js';

/** A member of a room, with one or several connections. */
export interface Present {
  /** The key that {@link Presence.track} received. */
  readonly key: string;
  /** The metas that {@link Presence.track} received, one for each connection. */
  readonly metas: unknown[];
}

/** Requests the members of a room. */
const LIST = `${PRESENCE}list`;
/** Asks the other nodes to synchronise, since this one has started or is about to stop. */
const HELLO = `${PRESENCE}hello`;

/**
 * Lists the members of rooms on all nodes, and emits when they join and leave. All connections with the same key, such
 * as the tabs of a user, are one member. Each node stores only its own members, in memory. When the adapter removes a
 * failed node, its members leave.
 *
 * @example
 * server.presence.track(client, client.user.id, { device: 'phone' });
 * const members = await server.presence.list('red'); // [{ key: '42', metas: [{ device: 'phone' }] }]
 */
export class Presence {
  private readonly tracked = new Map<
    string,
    { client: Tracked; key: string; meta: unknown; rooms: Set<string> }
  >();
  private readonly table = new PresenceTable();
  private readonly peers: PeerMessages;
  private readonly changes: MemberChanges;
  private shared: SharedRooms<ShareRule> | undefined;
  private states: SharedStates | undefined;

  constructor(private readonly host: PresenceHost) {
    if (typeof (Object(host) as Partial<PresenceHost>)._onClusterChange !== 'function')
      throw withCode(
        'ERR_ENVELOPE_ILLEGAL_CONSTRUCTOR',
        new TypeError('Presence: host is missing: use server.presence'),
      );
    const { adapter, _internalListeners: internal } = host;
    this.peers = new PeerMessages(host);
    this.changes = new MemberChanges(host, this.table, this.peers);
    adapter.on('join-room', (room: Room, id: string) => this.enter(String(room), id));
    adapter.on('leave-room', (room: Room, id: string) => this.leave(String(room), id));
    internal.set(LIST, (room, callback) => respond(callback, this.table.list(String(room))));
    internal.set(HELLO, () => this.synchronise());
    for (const [{ changes, all }, shared] of [
      [SHARED_MEMBERS, () => this.shared],
      [SHARED_STATES, () => this.states?.shared],
    ] as const) {
      internal.set(changes, (node, seq, values) => shared()?.receive(node, seq, values));
      internal.set(all, (callback) => respond(callback, shared()?.ownValues() ?? []));
    }
    this.peers.send(HELLO);
    host._onClusterChange(() => this.synchronise());
  }

  /**
   * Makes a client a member of its rooms, now and in rooms that it joins later. Ends with the connection, or with
   * {@link untrack}. Call it again to change the key or the meta: a new meta emits `update` in each of the client's
   * rooms. Does nothing if the client has disconnected.
   * @param key identifies the member, and is the same for all tabs of one user: a string of at most
   * `limits.maxRoomNameLength` characters, or a number. Default: the name of the user that the guards set, see `user`
   * @param meta plain data about this connection, such as a status or a device
   * @throws RoomLimitError on an invalid or too long key, TypeError on a `meta` that JSON cannot carry, RangeError on a
   * `meta` of more than 20,000 bytes of memory (each node stores it for each room), Error without a key if the client
   * has no user, and Error if the client is not connected yet: in guards and connection middlewares
   * @example server.presence.track(client, 'ada', { device: 'phone' });
   */
  track(client: Tracked, key?: string | number, meta?: unknown): void {
    assertClient('presence.track', client);
    assertCarried(meta, 'presence.track', 'meta');
    if (!client.connected) {
      // a handler may still run after its client has disconnected
      if (client.closed !== undefined) return;
      throw withCode(
        'ERR_ENVELOPE_NOT_CONNECTED',
        new Error('presence.track: the client is not connected yet: call it in handleConnection, or later'),
      );
    }
    // `null` is not a default: a client that sends no key must not appear as its user
    const name = key === undefined ? nameOfUser(client) : presenceKey(key, this.host);
    if (name === undefined)
      throw withCode(
        'ERR_ENVELOPE_NO_USER',
        new Error('presence.track: the client has no user: pass a key, track(client, key)'),
      );
    checkSize(meta);
    const before = this.tracked.get(client.id);
    if (before !== undefined && before.key !== name) this.forget(client.id);
    const rooms = before?.rooms ?? new Set();
    const isUpdate = before?.key === name && !isDeepStrictEqual(before.meta, meta);
    const updated = isUpdate ? [...rooms] : [];
    this.tracked.set(client.id, { client, key: name, meta, rooms });
    for (const room of client.rooms) this.enter(String(room), client.id);
    for (const room of updated) this.changes.announce({ type: 'update', room, key: name, meta });
    if (before?.key !== name) this.states?.keyChanged(client);
  }

  /**
   * Sets the meta of a client that is tracked: the same as {@link track} with its key. Does nothing if the client has disconnected.
   * @throws as {@link track}, and TypeError if the client is not tracked
   * @example server.presence.update(client, { device: 'phone', status: 'away' });
   */
  update(client: Tracked, meta: unknown): void {
    assertClient('presence.update', client);
    const tracked = this.tracked.get(client.id);
    if (tracked !== undefined) return this.track(client, tracked.key, meta);
    if (client.closed !== undefined) return;
    refuse(
      'presence.update',
      'client',
      client.id,
      'a client that is tracked: call track(client, key, meta) first',
    );
  }

  /**
   * Tells the clients in a room who is there: all members to a client that joins, then the changes, which each node gathers and
   * sends to its own clients. Call it on every node; the same call again changes nothing. In a RegExp namespace, each name has its
   * own presence: `client.nsp.presence` in `handleConnection`. Clients receive the event
   * `{ room, rev, all: [{ key, metas }] }`, then `{ room, rev, join?, update?, leave? }`, where `metas` are those of all
   * connections of the member and `leave` has keys; of a room with more than `maxMembers`, `{ room, rev, count }`. PROTOCOL.md
   * has the rules.
   * @param room a room, or a RegExp of rooms
   * @throws TypeError on an invalid room or option
   * @example server.presence.share(/^board:/);
   */
  share(room: string | RegExp, options: ShareOptions = {}): this {
    const rule = shareRule(room, options);
    this.shared ??= new SharedRooms(this.host, this.table, this.peers);
    this.shared.share(rule);
    return this;
  }

  /**
   * Lets the clients in a room set a state each, such as the position of a cursor, and tells the latest states to the others in it. A
   * state ends when its client leaves the room or disconnects, sets `null`, or after the time that it names. Nothing is stored.
   * Call it on every node; the same call again changes nothing. Clients send the event `{ room, state, ttl? }`, and receive those
   * of `share` with `{ id, key?, state }` in the place of members; the client's side is `states` of
   * `nestjs-envelope/client/presence`. A handler of the application for that event takes precedence. PROTOCOL.md has the rules.
   *
   * @param room a room, or a RegExp of rooms
   * @throws TypeError on an invalid room or option
   * @example
   * server.presence.shareStates(/^board:/, { accept: (state) => Cursor.safeParse(state).success });
   */
  shareStates(room: string | RegExp, options: ShareStatesOptions = {}): this {
    const rule = statesRule(room, options);
    const keyOf = (client: Tracked): string | undefined =>
      this.tracked.get(client.id)?.key ?? nameOfUser(client);
    this.states ??= new SharedStates(this.host, this.peers, keyOf);
    this.states.share(rule);
    return this;
  }

  /**
   * Ends the membership of a client in its rooms, which {@link track} began. Does nothing if the client is not tracked.
   * @throws TypeError without a client
   * @example server.presence.untrack(client);
   */
  untrack(client: { readonly id: string }): void {
    assertClient('presence.untrack', client);
    const tracked = this.tracked.get(client.id);
    this.forget(client.id);
    if (tracked !== undefined) this.states?.keyChanged(tracked.client);
  }

  private forget(id: string): void {
    for (const room of this.tracked.get(id)?.rooms ?? []) this.leave(room, id);
    this.tracked.delete(id);
  }

  /**
   * Resolves with the members of a room on all nodes.
   * @throws (rejects) Error if a node does not respond, with the members on the other nodes as `responses`
   * @example const members = await server.presence.list('board:7');
   */
  async list(room: string): Promise<Present[]> {
    addRooms(NO_ROOMS, room, this.host);
    const members = new Map<string, unknown[]>();
    const add = (entries: unknown): void => {
      for (const [key, metas] of entries as ReturnType<PresenceTable['list']>)
        members.set(key, (members.get(key) ?? []).concat(metas));
    };
    add(this.table.list(room));
    const { error, responses } = await this.peers.request(LIST, room);
    for (const response of responses) add(response.filter(Array.isArray));
    const found = [...members].map(([key, metas]) => ({ key, metas }));
    if (error === null) return found;
    throw Object.assign(error, { responses: found });
  }

  /**
   * Listens to the members of all rooms. `join` and `leave` are emitted once for each member and room, regardless of
   * its number of tabs and nodes. `update` is emitted when {@link track} receives a new meta for a connection in the
   * room.
   * @throws TypeError on another event, and unless the listener is a function
   * @example server.presence.on('join', ({ room, key }) => console.log(key, 'is in', room));
   */
  on(event: 'join' | 'leave' | 'update', listener: PresenceListener): this {
    if (!EVENTS.has(event)) refuse('presence.on', 'event', event, "'join', 'leave' or 'update'");
    assertFunction('presence.on', 'listener', listener);
    this.changes.listen(event, listener);
    this.synchronise();
    return this;
  }

  /** @internal Notifies the other nodes, after all clients of this node have disconnected and before the node stops. */
  _close(): void {
    this.shared?.close();
    this.states?.close();
    this.peers.send(HELLO);
  }

  private enter(room: string, id: string): void {
    const client = this.tracked.get(id);
    // the room of a client's id and that of its user have no members
    if (client === undefined || room === id || room.startsWith('$')) return;
    client.rooms.add(room);
    const { key, meta } = client;
    const isNew = this.table.enter(room, key, id, meta);
    this.shared?.changed(room, key);
    if (isNew) this.changes.announce({ type: 'join', room, key, meta });
  }

  private leave(room: string, id: string): void {
    const client = this.tracked.get(id);
    if (client === undefined) return;
    // a client that disconnects leaves all its rooms, the one of its id first
    if (room === id) return client.client.connected ? undefined : this.forget(id);
    if (!client.rooms.delete(room)) return;
    const wasLast = this.table.leave(room, client.key, id);
    // `_close` notifies the other nodes once, after all clients have disconnected
    if (this.host._isClosing) return;
    this.shared?.changed(room, client.key);
    if (wasLast) this.changes.departed({ room, key: client.key, meta: client.meta });
  }

  /** Asks the other nodes for what they have: nodes came or went, or the broker was away. */
  private synchronise(): void {
    this.shared?.synchronise();
    this.states?.shared.synchronise();
    this.changes.synchronise();
  }
}

const EVENTS: ReadonlySet<unknown> = new Set(['join', 'leave', 'update']);
