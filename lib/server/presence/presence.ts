import { isDeepStrictEqual } from 'node:util';
import type { Adapter, Room } from 'socket.io-adapter';
import { assertCarried } from '../../protocol/payload.js';
import { refuse } from '../../protocol/refuse.js';
import type { Untyped } from '../../protocol/typed-events.js';
import { withCode } from '../../protocol/with-code.js';
import { assertFunction } from '../util/arguments.js';
import { callSafely } from '../util/safe-call.js';
import { nameOfUser, type ClientWithUser } from '../handshake/user-identity.js';
import { serverSideEmit } from '../rooms/server-side-emit.js';
import { PresenceTable } from './presence-table.js';
import { PresenceView, type PresenceEvent } from './presence-view.js';
import { presenceKey, NO_ROOMS, addRooms } from '../rooms/room-names.js';
import { valueBytes } from '../util/heap-size.js';

/** Somebody who is in a room, with one connection or several. */
export interface Present {
  /** Who it is. */
  readonly key: string;
  /** What {@link Presence.track} was told, of each connection. */
  readonly metas: unknown[];
}

type PresenceListener = (event: PresenceEvent) => void;

/** What nodes tell each other. */
interface News extends PresenceEvent {
  readonly type: 'join' | 'leave' | 'update';
}

/** What presence needs of a client. */
interface Tracked extends ClientWithUser {
  readonly id: string;
  readonly rooms: ReadonlySet<Room>;
  readonly connected: boolean;
  /** How it ended, where it has. */
  readonly closed: object | undefined;
}

/** What presence needs of its server. */
interface PresenceHost {
  readonly adapter: Adapter;
  /** @internal Takes what other nodes send under a name of this package's own. */
  readonly _internalListeners: Map<string, (...values: unknown[]) => void>;
  /** @internal */
  readonly _isClosing: boolean;
  /** @internal */
  readonly _config: {
    readonly gateway: { readonly errors: { roomLimit(why: string): Error } };
    readonly limits: { readonly maxRoomNameLength: number };
  };
  /** @internal */
  _report(error: unknown, where: string): void;
  /** @internal @param listener hears that there are more nodes or fewer, or that the broker is back */
  _onClusterChange(listener: () => void): void;
}

/** With what the names begin that nodes tell each other of it by. */
export const PRESENCE = '$presence:';
const LIST = `${PRESENCE}list`;
const HAS = `${PRESENCE}has`;
const TOLD = `${PRESENCE}told`;
const ALL = `${PRESENCE}all`;
const HELLO = `${PRESENCE}hello`;

/**
 * Who is in a room, on all nodes, with the tabs of one user counted as one. Nothing is kept but who is connected to
 * which node: what a node knew goes with it. Its members leave when the adapter takes it for gone.
 */
export class Presence {
  private readonly tracked = new Map<
    string,
    { client: Tracked; key: string; meta: unknown; rooms: Set<string> }
  >();
  private readonly table = new PresenceTable();
  private view: PresenceView | undefined;
  private synchronising: 'no' | 'yes' | 'again' = 'no';
  /** What the other nodes are told of when this turn of the event loop is over. */
  private readonly news: News[] = [];
  private readonly leavers: PresenceEvent[] = [];

  constructor(private readonly host: PresenceHost) {
    if (typeof (Object(host) as Partial<PresenceHost>)._onClusterChange !== 'function')
      throw withCode(
        'ERR_ENVELOPE_ILLEGAL_CONSTRUCTOR',
        new TypeError('Presence: host is missing: each server has its presence, server.presence'),
      );
    const { adapter, _internalListeners: internal } = host;
    adapter.on('join-room', (room: Room, id: string) => this.enter(String(room), id));
    adapter.on('leave-room', (room: Room, id: string) => this.leave(String(room), id));
    internal.set(LIST, (room, answer) => reply(answer, this.table.list(String(room))));
    internal.set(HAS, (places, answer) =>
      reply(
        answer,
        (places as [string, string][]).map(([room, key]) => this.table.has(room, key)),
      ),
    );
    internal.set(ALL, (answer) => reply(answer, this.table.dump()));
    internal.set(TOLD, (news) => (news as News[]).forEach((one) => this.hear(one)));
    internal.set(HELLO, () => this.synchronise());
    this.tell(HELLO);
    host._onClusterChange(() => this.synchronise());
  }

  /**
   * Says who a client is in the rooms that it is in, and in those that it will join. Ends with the connection, or
   * with {@link untrack}. Call it again to change the key or the meta: another meta is an `update` event in each of the
   * client's rooms. Does nothing with a client that has gone.
   *
   * @param key who it is, the same for all tabs of one user: a text of at most `limits.maxRoomNameLength` characters, or a
   * number. Default: the name of the user that the guards established, see `user`
   * @param meta whatever is to be told of this connection: a status, a device. Plain data
   * @throws RoomLimitError on a key that is neither or too long, TypeError on a `meta` that JSON cannot carry, RangeError on
   * one that takes more than 20,000 bytes of memory (each node keeps it for each room), Error
   * without a key where there is no user, and on a client that is not connected yet: in guards and connection middlewares
   */
  track(client: Tracked, key?: string | number, meta?: unknown): void {
    assertClient('presence.track', client);
    assertCarried(meta, 'presence.track', 'meta');
    if (!client.connected) {
      // its handlers may come to this late
      if (client.closed !== undefined) return;
      throw withCode(
        'ERR_ENVELOPE_NOT_CONNECTED',
        new Error('presence.track: the client is not connected yet: call it in handleConnection, or later'),
      );
    }
    // not `null` either: a client that sends no key must not be shown as its user
    const name = key === undefined ? nameOfUser(client) : presenceKey(key, this.host);
    if (name === undefined)
      throw withCode(
        'ERR_ENVELOPE_NO_USER',
        new Error('presence.track: the client has no user: say who it is, track(client, key)'),
      );
    checkSize(meta);
    const before = this.tracked.get(client.id);
    if (before !== undefined && before.key !== name) this.forget(client.id);
    const rooms = before?.rooms ?? new Set();
    const isUpdate = before?.key === name && !isDeepStrictEqual(before.meta, meta);
    const updated = isUpdate ? [...rooms] : [];
    this.tracked.set(client.id, { client, key: name, meta, rooms });
    for (const room of client.rooms) this.enter(String(room), client.id);
    for (const room of updated) this.announce({ type: 'update', room, key: name, meta });
  }

  /**
   * Takes a client out of presence: it leaves the rooms in which {@link track} shows it. Does nothing with one that is not tracked.
   *
   * @throws TypeError without a client
   */
  untrack(client: { readonly id: string }): void {
    assertClient('presence.untrack', client);
    this.forget(client.id);
  }

  private forget(id: string): void {
    for (const room of this.tracked.get(id)?.rooms ?? []) this.leave(room, id);
    this.tracked.delete(id);
  }

  /**
   * Who is in a room, on all nodes.
   *
   * @throws (rejects) Error where a node does not answer; its `responses` are those that are known of
   */
  async list(room: string): Promise<Present[]> {
    addRooms(NO_ROOMS, room, this.host);
    const members = new Map<string, unknown[]>();
    const add = (entries: unknown): void => {
      for (const [key, metas] of entries as ReturnType<PresenceTable['list']>)
        members.set(key, (members.get(key) ?? []).concat(metas));
    };
    add(this.table.list(room));
    const { error, answers } = await this.ask(LIST, room);
    for (const answer of answers) add(answer.filter(Array.isArray));
    const found = [...members].map(([key, metas]) => ({ key, metas }));
    if (error === null) return found;
    throw Object.assign(error, { responses: found });
  }

  /**
   * Listens to who joins and leaves rooms, once for each user and room, regardless of tabs and nodes; and to `update`,
   * whenever {@link track} gives a connection in the room another meta.
   *
   * @throws TypeError on another event, and on what is no function
   */
  on(event: 'join' | 'leave' | 'update', listener: PresenceListener): this {
    if (!EVENTS.has(event)) refuse('presence.on', 'event', event, "'join', 'leave' or 'update'");
    assertFunction('presence.on', 'listener', listener);
    this.view ??= new PresenceView((failure) => this.host._report(failure, 'a listener of presence threw'));
    this.view.listeners[event].push(listener);
    this.synchronise();
    return this;
  }

  /** @internal All clients of this node have gone, and the node is about to. */
  _close(): void {
    this.tell(HELLO);
  }

  private enter(room: string, id: string): void {
    const client = this.tracked.get(id);
    // a client's own room, and its user's, are nobody's place to be
    if (client === undefined || room === id || room.startsWith('$')) return;
    client.rooms.add(room);
    const { key, meta } = client;
    if (this.table.enter(room, key, id, meta)) this.announce({ type: 'join', room, key, meta });
  }

  private leave(room: string, id: string): void {
    const client = this.tracked.get(id);
    if (client === undefined) return;
    // a client that goes leaves all its rooms, this one first
    if (room === id) return client.client.connected ? undefined : this.forget(id);
    if (!client.rooms.delete(room) || !this.table.leave(room, client.key, id)) return;
    // the others hear of it when all have gone
    if (this.host._isClosing) return;
    // a thousand may go at once: the nodes are asked for them together
    if (this.leavers.push({ room, key: client.key, meta: client.meta }) === 1)
      setImmediate(() => this.askForLeavers());
  }

  private askForLeavers(): void {
    const leavers = this.leavers.splice(0);
    const places = leavers.map(({ room, key }) => [room, key]);
    void this.ask(HAS, places).then(({ answers }) => {
      leavers.forEach(({ room, key, meta }, index) => {
        const isElsewhere = answers.some((has) => has[index] === true) || this.table.has(room, key);
        if (!isElsewhere) this.announce({ type: 'leave', room, key, meta });
      });
    });
  }

  private announce(news: News): void {
    this.view?.apply(news.type, news.room, news.key, news.meta);
    if (this.news.push(news) === 1) setImmediate(() => this.tell(TOLD, this.news.splice(0)));
  }

  private hear({ type, room, key, meta }: News): void {
    if (type !== 'leave' || !this.table.has(room, key)) this.view?.apply(type, room, key, meta);
    // who left there is here: it was not known of when the other node asked
    else this.announce({ type: 'join', room, key, meta });
  }

  /** Compares what was told with what is. */
  private synchronise(): void {
    const { view } = this;
    if (view === undefined) return;
    // nodes that come and go together are one question
    if (this.synchronising !== 'no') return void (this.synchronising = 'again');
    this.synchronising = 'yes';
    view.expectLists();
    void this.ask(ALL).then(({ error, answers }) => {
      const isDue = this.synchronising === 'again';
      this.synchronising = 'no';
      if (isDue) return this.synchronise();
      const all = [this.table.dump(), ...answers.map((answer) => answer.filter(Array.isArray))].flat();
      // one that has not answered may have members all the same
      view.replace(all as ReturnType<PresenceTable['dump']>, error === null);
    });
  }

  private tell(event: string, ...values: unknown[]): void {
    const failed = (error: unknown): void =>
      this.host._report(error, 'presence could not be told to the other nodes');
    callSafely(() => serverSideEmit(this.host.adapter, event, values, failed), failed);
  }

  /** Whoever reaches the broker can answer: what is no list is none. */
  private ask(event: string, ...values: unknown[]): Promise<{ error: Error | null; answers: Untyped[][] }> {
    return new Promise((resolve) => {
      const done = (error: Error | null, answers: unknown[]): void =>
        resolve({ error, answers: answers.filter(Array.isArray) });
      const failed = (error: unknown): void =>
        done(error instanceof Error ? error : new Error(String(error)), []);
      callSafely(() => serverSideEmit(this.host.adapter, event, [...values, done], failed), failed);
    });
  }
}

const EVENTS: ReadonlySet<unknown> = new Set(['join', 'leave', 'update']);

/** @throws TypeError on what has no id */
function assertClient(where: string, client: unknown): void {
  if (typeof (Object(client) as { id?: unknown }).id !== 'string')
    refuse(where, 'client', client, 'a connected client: an EnvelopeSocket');
}

function reply(answer: unknown, value: unknown): void {
  if (typeof answer === 'function') Reflect.apply(answer, undefined, [value]);
}

/** Bytes of memory. Every node keeps it for each room of a client, and a gateway may pass on what that sent. */
const MAX_META_BYTES = 20_000;

function checkSize(meta: unknown): void {
  if (valueBytes(meta, MAX_META_BYTES) <= MAX_META_BYTES) return;
  throw withCode(
    'ERR_ENVELOPE_INVALID_ARGUMENT',
    new RangeError(
      `presence.track: meta takes more than ${MAX_META_BYTES} bytes of memory: pass what others need to see, and an id for the rest`,
    ),
  );
}
