import type { Room } from 'socket.io-adapter';
import { assertOptions, refuse, refuseOption } from '../../protocol/refuse.js';
import { assertEmittable } from '../../protocol/reserved-events.js';
import { BroadcastOperator } from '../rooms/broadcast-operator.js';
import type { Namespace } from '../rooms/adapter-types.js';
import { randomId } from '../util/random-id.js';
import type { PeerMessages } from './peer-messages.js';
import { PeerMetas, type MemberMetas } from './peer-metas.js';
import type { PresenceTable } from './presence-table.js';
import { SharedRoom } from './shared-room.js';

/** The options of `presence.share`. */
export interface ShareOptions {
  /** The event that clients receive. Default: `presence`. */
  event?: string;
  /** Milliseconds for which changes are gathered. Default: 50. */
  every?: number;
  /** Members of a room. Of a larger one, clients receive the number only. Default: 1,000. */
  maxMembers?: number;
}

/** The messages between nodes. */
export const SHARED = {
  /** Tells changes: the node, the number of the message, and the members. */
  changes: '$presence:metas',
  /** Requests all members of a node. */
  all: '$presence:rosters',
} as const;

/** A room, or rooms, whose clients are told who is there. */
export interface ShareRule extends Required<ShareOptions> {
  readonly room: string | RegExp;
}

/**
 * Checks the arguments of `presence.share`.
 *
 * @throws TypeError on an invalid room or option, Error on an event that cannot be emitted
 */
export function shareRule(room: string | RegExp, options: ShareOptions): ShareRule {
  const where = 'presence.share';
  if (!(room instanceof RegExp) && (typeof room !== 'string' || room === ''))
    refuse(where, 'room', room, "a room, such as 'board:7', or a RegExp");
  assertOptions(where, options, ['event', 'every', 'maxMembers'], "{ event: 'presence' }");
  const { event = 'presence', every = 50, maxMembers = 1_000 } = options;
  assertEmittable(event);
  for (const [name, value] of Object.entries({ every, maxMembers }))
    if (!Number.isInteger(value) || value < 0) refuseOption(where, name, value, 'a whole number from 0 on');
  return { room, event, every, maxMembers };
}

/**
 * Tells the clients in rooms who is there: each node tells its own clients. For that, nodes tell each other the metas of their
 * members in shared rooms.
 */
export class SharedPresence {
  private readonly id = randomId();
  private readonly rules: ShareRule[] = [];
  private readonly rooms = new Map<string, { rule: ShareRule; state: SharedRoom }>();
  private readonly peerMetas = new PeerMetas((room, key) => this.mark(room, key));
  /** The members whose metas changed on this node since the last message, by room and key as JSON. */
  private readonly changes = new Map<string, [room: string, key: string]>();
  private seq = 0;
  private synchronising: 'no' | 'yes' | 'again' = 'no';

  constructor(
    private readonly nsp: Namespace,
    private readonly table: PresenceTable,
    private readonly peers: PeerMessages,
  ) {
    const { adapter } = nsp;
    adapter.on('join-room', (room: Room, id: string) => this.entered(String(room), id));
    adapter.on('leave-room', (room: Room, id: string) =>
      this.rooms.get(String(room))?.state.newcomers.delete(id),
    );
    adapter.on('delete-room', (room: Room) => this.forget(String(room)));
  }

  /** Adds a rule. The clients that are in a room already are told, too. */
  share(rule: ShareRule): void {
    // the same again, such as in each `handleConnection`, changes nothing
    const isKnown = this.rules.some(({ room }) => String(room) === String(rule.room));
    if (isKnown) return;
    this.rules.push(rule);
    for (const [name, ids] of this.nsp.adapter.rooms) for (const id of ids) this.entered(String(name), id);
    this.synchronise();
  }

  /** A member has other metas on this node. */
  changed(room: string, key: string): void {
    if (this.ruleOf(room) === undefined) return;
    this.mark(room, key);
    const id = JSON.stringify([room, key]);
    const isFirst = this.changes.size === 0;
    this.changes.set(id, [room, key]);
    if (isFirst) setImmediate(() => this.sendChanges());
  }

  /** Asks all nodes for their members: nodes came or went, or the broker was away. */
  synchronise(): void {
    if (this.rules.length === 0) return;
    // several reasons lead to one request at a time
    if (this.synchronising !== 'no') return void (this.synchronising = 'again');
    this.synchronising = 'yes';
    void this.peers.request(SHARED.all).then(({ error, responses }) => {
      const isDue = this.synchronising === 'again';
      this.synchronising = 'no';
      const nodes = new Set<string>();
      for (const [node, seq, members] of responses) {
        if (typeof node !== 'string' || typeof seq !== 'number' || !Array.isArray(members)) continue;
        nodes.add(node);
        this.peerMetas.replace(node, seq, members.filter(isMember));
      }
      // a node that has not responded may have members as well
      if (error === null) this.peerMetas.keepOnly(nodes);
      if (isDue) this.synchronise();
    });
  }

  /** Handles a message of another node. */
  receive(node: unknown, seq: unknown, changes: unknown): void {
    if (typeof node !== 'string' || typeof seq !== 'number' || !Array.isArray(changes)) return;
    if (!this.peerMetas.apply(node, seq, changes.filter(isMember))) this.synchronise();
  }

  /** Returns the answer to a request of another node. */
  members(): unknown[] {
    const members = this.table
      .names()
      .filter((room) => this.ruleOf(room) !== undefined)
      .flatMap((room) => this.table.list(room).map(([key, metas]): MemberMetas => [room, key, metas]));
    return [this.id, this.seq, members];
  }

  /** Stops all timers. */
  close(): void {
    for (const room of [...this.rooms.keys()]) this.forget(room);
    this.rules.length = 0;
  }

  private sendChanges(): void {
    const members = [...this.changes.values()].map(([room, key]): MemberMetas => [
      room,
      key,
      this.table.metas(room, key),
    ]);
    this.changes.clear();
    this.peers.send(SHARED.changes, this.id, ++this.seq, members);
  }

  private entered(room: string, id: string): void {
    // the room of a client's id and that of its user have no members
    if (room === id || room.startsWith('$') || id.startsWith('$')) return;
    const rule = this.ruleOf(room);
    if (rule === undefined) return;
    let shared = this.rooms.get(room);
    if (shared === undefined) {
      const metasOf = (key: string): unknown[] =>
        this.peerMetas.collect(room, key, this.table.metas(room, key));
      shared = { rule, state: new SharedRoom(room, rule.maxMembers, metasOf) };
      this.rooms.set(room, shared);
      const { state } = shared;
      for (const [key] of this.table.list(room)) state.mark(key);
      this.peerMetas.forEachKey(room, (key) => state.mark(key));
    }
    shared.state.newcomers.add(id);
    this.tellSoon(room, shared);
  }

  private mark(room: string, key: string): void {
    const shared = this.rooms.get(room);
    if (shared === undefined) return;
    shared.state.mark(key);
    this.tellSoon(room, shared);
  }

  private tellSoon(room: string, { rule, state }: { rule: ShareRule; state: SharedRoom }): void {
    state.timer ??= setTimeout(() => {
      state.timer = undefined;
      this.tell(room, rule, state);
    }, rule.every);
  }

  private tell(room: string, rule: ShareRule, state: SharedRoom): void {
    const { event } = rule;
    const { newcomers } = state;
    const { known, all } = state.news();
    const local = new BroadcastOperator(this.nsp).local;
    if (known !== undefined) local.to(room).except(newcomers).emit(event, known);
    if (all !== undefined) local.to(newcomers).emit(event, all);
    // a guard may make a client join before it is connected
    for (const id of newcomers) if (this.nsp.sockets.has(id)) newcomers.delete(id);
    if (newcomers.size > 0) this.tellSoon(room, { rule, state });
  }

  private forget(room: string): void {
    clearTimeout(this.rooms.get(room)?.state.timer);
    this.rooms.delete(room);
  }

  private ruleOf(room: string): ShareRule | undefined {
    return this.rules.find((rule) => {
      if (typeof rule.room === 'string') return rule.room === room;
      // a global or sticky expression would continue after its last match
      rule.room.lastIndex = 0;
      return rule.room.test(room);
    });
  }
}

function isMember(value: unknown): value is MemberMetas {
  if (!Array.isArray(value)) return false;
  const [room, key, metas] = value as unknown[];
  return typeof room === 'string' && typeof key === 'string' && Array.isArray(metas);
}
