/**
 * What one node shares of a key in a room: of a member, the metas of its connections; of a client, its state. No values: it has none
 * any more.
 */
export type SharedValues = readonly [room: string, key: string, values: readonly unknown[]];

interface Peer {
  /** The number of its last change that is known. */
  seq: number;
  /** By room, then key. */
  readonly rooms: Map<string, Map<string, readonly unknown[]>>;
}

/** What the other nodes share in rooms: members, or states. */
export class PeerValues {
  /** By the id of a node. */
  private readonly peers = new Map<string, Peer>();

  /** @param changed called with each key whose values may have changed */
  constructor(private readonly changed: (room: string, key: string) => void) {}

  /** Adds the values of a key to those of this node. */
  collect(room: string, key: string, values: unknown[]): unknown[] {
    for (const { rooms } of this.peers.values()) values.push(...(rooms.get(room)?.get(key) ?? []));
    return values;
  }

  /** Calls back with each key in a room. A key of several nodes comes several times. */
  forEachKey(room: string, callback: (key: string) => void): void {
    for (const { rooms } of this.peers.values())
      for (const key of rooms.get(room)?.keys() ?? []) callback(key);
  }

  /** Applies changes of a node. @returns `false` if earlier ones are missing: ask for all of its values */
  apply(node: string, seq: number, changes: readonly SharedValues[]): boolean {
    const peer = this.peers.get(node);
    if (peer === undefined || seq > peer.seq + 1) return false;
    // a list that arrived before contains it
    if (seq <= peer.seq) return true;
    peer.seq = seq;
    for (const [room, key, values] of changes) this.set(peer, room, key, values);
    return true;
  }

  /** Replaces all values of a node. An older list than what is known has no effect. */
  replace(node: string, seq: number, all: readonly SharedValues[]): void {
    const before = this.peers.get(node);
    if (before !== undefined && before.seq > seq) return;
    const peer: Peer = { seq, rooms: new Map() };
    this.peers.set(node, peer);
    for (const [room, key, values] of all) this.set(peer, room, key, values);
    this.forEach(before, (room, key) => this.changed(room, key));
  }

  /** Forgets the nodes that are not among these. */
  keepOnly(nodes: ReadonlySet<string>): void {
    for (const [node, peer] of this.peers) {
      if (nodes.has(node)) continue;
      this.peers.delete(node);
      this.forEach(peer, (room, key) => this.changed(room, key));
    }
  }

  private set({ rooms }: Peer, room: string, key: string, values: readonly unknown[]): void {
    let keys = rooms.get(room);
    if (keys === undefined) rooms.set(room, (keys = new Map()));
    if (values.length > 0) keys.set(key, values);
    else keys.delete(key);
    if (keys.size === 0) rooms.delete(room);
    this.changed(room, key);
  }

  private forEach(peer: Peer | undefined, callback: (room: string, key: string) => void): void {
    for (const [room, keys] of peer?.rooms ?? []) for (const key of keys.keys()) callback(room, key);
  }
}
