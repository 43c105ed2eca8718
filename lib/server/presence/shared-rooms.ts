import type { Room } from 'socket.io-adapter';
import { BroadcastOperator } from '../rooms/broadcast-operator.js';
import type { Namespace } from '../rooms/adapter-types.js';
import { randomId } from '../util/random-id.js';
import { OneAtATime } from '../util/one-at-a-time.js';
import { callSafely } from '../util/safe-call.js';
import type { PeerMessages } from './peer-messages.js';
import { PeerValues, type SharedValues } from './peer-values.js';
import { ruleOf, type ShareRule } from './share-rules.js';
import { SharedRoom } from './shared-room.js';

/** The messages between nodes about members. */
export const SHARED_MEMBERS = { changes: '$presence:metas', all: '$presence:rosters' } as const;
/** The messages between nodes about states. */
export const SHARED_STATES = { changes: '$presence:states', all: '$presence:boards' } as const;

/** What is shared: values of this node by room and key. */
export interface SharedSource {
  readonly messages: {
    /** Tells changes: the node, the number of the message, and the values. */
    readonly changes: string;
    /** Requests all values of a node. */
    readonly all: string;
  };
  /** Returns the rooms with values. */
  names(): string[];
  /** Returns the values of a room by key. */
  list(room: string): [key: string, values: unknown[]][];
  /** Returns the values of a key in a room. */
  values(room: string, key: string): unknown[];
  /** Returns what clients receive of a key, from its values on all nodes; `undefined`: nothing. */
  entry(key: string, values: unknown[]): object | undefined;
  /**
   * Whether only the latest values matter, and they change often. Then nothing waits for slow clients, which receive everything when
   * they can, nothing is kept for recovery, and changes are gathered between nodes as well.
   */
  readonly isEphemeral: boolean;
}

/** A room with clients of this node, and the rule by which it is shared. */
interface SharedByRule<Rule> {
  readonly rule: Rule;
  readonly shared: SharedRoom;
}

/**
 * Tells the clients in rooms what is shared there: each node tells its own clients. For that, nodes tell each other their values in
 * shared rooms.
 */
export class SharedRooms<Rule extends ShareRule> {
  private readonly id = randomId();
  private readonly rules: Rule[] = [];
  private readonly rooms = new Map<string, SharedByRule<Rule>>();
  private readonly peerValues = new PeerValues((room, key) => this.mark(room, key));
  /** What changed on this node since the last message, by room and key as JSON. */
  private readonly changes = new Map<string, [room: string, key: string]>();
  private sending: ReturnType<typeof setTimeout> | undefined;
  private seq = 0;
  private readonly synchronisation = new OneAtATime(() => this.fetchAll());

  constructor(
    private readonly nsp: Namespace,
    private readonly source: SharedSource,
    private readonly peers: PeerMessages,
  ) {
    const { adapter } = nsp;
    adapter.on('join-room', (room: Room, id: string) => this.entered(String(room), id));
    adapter.on('leave-room', (room: Room, id: string) =>
      this.rooms.get(String(room))?.shared.newcomers.delete(id),
    );
    adapter.on('delete-room', (room: Room) => this.forget(String(room)));
  }

  /** Adds a rule. The clients that are in a room already are told, too. */
  share(rule: Rule): void {
    // the same again, such as in each `handleConnection`, changes nothing
    const isKnown = this.rules.some(({ room }) => String(room) === String(rule.room));
    if (isKnown) return;
    this.rules.push(rule);
    for (const [name, ids] of this.nsp.adapter.rooms) for (const id of ids) this.entered(String(name), id);
    this.synchronise();
  }

  /** Values have changed on this node. */
  changed(room: string, key: string): void {
    const rule = this.ruleOf(room);
    if (rule === undefined) return;
    this.mark(room, key);
    const id = JSON.stringify([room, key]);
    const isFirst = this.changes.size === 0;
    this.changes.set(id, [room, key]);
    if (!isFirst) return;
    if (this.source.isEphemeral) this.sending = setTimeout(() => this.sendChanges(), rule.every);
    else setImmediate(() => this.sendChanges());
  }

  /** Tells a client in a room everything once more. */
  tellAgain(room: string, id: string): void {
    this.entered(room, id);
  }

  /** Asks all nodes for their values: nodes came or went, or the broker was away. */
  synchronise(): void {
    this.synchronisation.run();
  }

  private async fetchAll(): Promise<void> {
    if (this.rules.length === 0) return;
    const { error, responses } = await this.peers.request(this.source.messages.all);
    const nodes = new Set<string>();
    for (const [node, seq, values] of responses) {
      if (typeof node !== 'string' || typeof seq !== 'number' || !Array.isArray(values)) continue;
      nodes.add(node);
      this.peerValues.replace(node, seq, values.filter(isSharedValues));
    }
    // a node that has not responded may have values as well
    if (error === null) this.peerValues.keepOnly(nodes);
  }

  /** Handles a message of another node. */
  receive(node: unknown, seq: unknown, changes: unknown): void {
    if (typeof node !== 'string' || typeof seq !== 'number' || !Array.isArray(changes)) return;
    if (!this.peerValues.apply(node, seq, changes.filter(isSharedValues))) this.synchronise();
  }

  /** Returns the answer to a request of another node. */
  ownValues(): unknown[] {
    const all = this.source
      .names()
      .filter((room) => this.ruleOf(room) !== undefined)
      .flatMap((room) => this.source.list(room).map(([key, values]): SharedValues => [room, key, values]));
    return [this.id, this.seq, all];
  }

  /** Returns the rule of a room that is shared. */
  ruleOf(room: string): Rule | undefined {
    return ruleOf(this.rules, room);
  }

  /** Stops all timers. */
  close(): void {
    clearTimeout(this.sending);
    for (const room of [...this.rooms.keys()]) this.forget(room);
    this.rules.length = 0;
  }

  private sendChanges(): void {
    const changed = [...this.changes.values()].map(([room, key]): SharedValues => [
      room,
      key,
      this.source.values(room, key),
    ]);
    this.changes.clear();
    this.peers.send(this.source.messages.changes, this.id, ++this.seq, changed);
  }

  private entered(room: string, id: string): void {
    // the room of a client's id and that of its user have no members
    if (room === id || room.startsWith('$') || id.startsWith('$')) return;
    const rule = this.ruleOf(room);
    if (rule === undefined) return;
    let found = this.rooms.get(room);
    if (found === undefined) {
      const { source, peerValues } = this;
      const entryOf = (key: string): object | undefined =>
        source.entry(key, peerValues.collect(room, key, source.values(room, key)));
      const shared = new SharedRoom(room, rule.maxMembers, entryOf);
      found = { rule, shared };
      this.rooms.set(room, found);
      for (const [key] of source.list(room)) shared.mark(key);
      peerValues.forEachKey(room, (key) => shared.mark(key));
    }
    found.shared.newcomers.add(id);
    this.tellSoon(room, found);
  }

  private mark(room: string, key: string): void {
    const found = this.rooms.get(room);
    if (found === undefined) return;
    found.shared.mark(key);
    this.tellSoon(room, found);
  }

  private tellSoon(room: string, { rule, shared }: SharedByRule<Rule>): void {
    shared.timer ??= setTimeout(() => {
      shared.timer = undefined;
      // such as a schema that `@Emits` declares for the event, and that the values do not match
      callSafely(
        () => this.tell(room, rule, shared),
        (error) => this.nsp._report(error, `"${rule.event}" could not be sent to the room "${room}"`),
      );
    }, rule.every);
  }

  private tell(room: string, rule: Rule, shared: SharedRoom): void {
    const { event } = rule;
    const { newcomers } = shared;
    const { isEphemeral } = this.source;
    const { known, only } = shared.news();
    const ready = isEphemeral ? this.partition(room, newcomers, known !== undefined) : newcomers;
    const operator = new BroadcastOperator(this.nsp).local;
    const local = isEphemeral ? operator.volatile : operator;
    // who set the only state that is new knows it
    const knowing = isEphemeral && only !== undefined ? [...newcomers, only] : newcomers;
    if (known !== undefined) local.to(room).except(knowing).emit(event, known);
    if (ready.size > 0) local.to(ready).emit(event, shared.all());
    // a guard may make a client join before it is connected
    for (const id of ready) if (this.nsp.sockets.has(id)) newcomers.delete(id);
    if (newcomers.size > 0) this.tellSoon(room, { rule, shared });
  }

  /**
   * Returns the newcomers that can be told now. If there are news, adds the clients that cannot be told to the newcomers: they
   * read too slowly.
   */
  private partition(room: string, newcomers: Set<string>, hasNews: boolean): Set<string> {
    const ready = new Set<string>();
    const ids = hasNews ? this.nsp.adapter.rooms.get(room) : newcomers;
    for (const id of [...(ids ?? [])]) {
      const isWritable = this.nsp.sockets.get(id)?._connection.outbox.writable === true;
      if (!isWritable) newcomers.add(id);
      else if (newcomers.has(id)) ready.add(id);
    }
    return ready;
  }

  private forget(room: string): void {
    clearTimeout(this.rooms.get(room)?.shared.timer);
    this.rooms.delete(room);
  }
}

function isSharedValues(value: unknown): value is SharedValues {
  if (!Array.isArray(value)) return false;
  const [room, key, values] = value as unknown[];
  return typeof room === 'string' && typeof key === 'string' && Array.isArray(values);
}
