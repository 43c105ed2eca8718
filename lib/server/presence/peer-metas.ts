/** A member of a room on one node, with the metas of its connections there; no metas: it has left. */
export type MemberMetas = readonly [room: string, key: string, metas: readonly unknown[]];

interface Peer {
  /** The number of its last change that is known. */
  seq: number;
  /** By room, then key. */
  readonly rooms: Map<string, Map<string, readonly unknown[]>>;
}

/** What the other nodes have said about the members of shared rooms. */
export class PeerMetas {
  /** By the id of a node. */
  private readonly peers = new Map<string, Peer>();

  /** @param changed called with each member whose metas may have changed */
  constructor(private readonly changed: (room: string, key: string) => void) {}

  /** Adds the metas of a member to those of this node. */
  collect(room: string, key: string, metas: unknown[]): unknown[] {
    for (const { rooms } of this.peers.values()) metas.push(...(rooms.get(room)?.get(key) ?? []));
    return metas;
  }

  /** Calls back with each member of a room. A member on several nodes comes several times. */
  forEachKey(room: string, callback: (key: string) => void): void {
    for (const { rooms } of this.peers.values())
      for (const key of rooms.get(room)?.keys() ?? []) callback(key);
  }

  /** Applies changes of a node. @returns `false` if earlier ones are missing: ask for all of its members */
  apply(node: string, seq: number, changes: readonly MemberMetas[]): boolean {
    const peer = this.peers.get(node);
    if (peer === undefined || seq > peer.seq + 1) return false;
    // a list that arrived before contains it
    if (seq <= peer.seq) return true;
    peer.seq = seq;
    for (const [room, key, metas] of changes) this.set(peer, room, key, metas);
    return true;
  }

  /** Replaces all members of a node. An older list than what is known has no effect. */
  replace(node: string, seq: number, members: readonly MemberMetas[]): void {
    const before = this.peers.get(node);
    if (before !== undefined && before.seq > seq) return;
    const peer: Peer = { seq, rooms: new Map() };
    this.peers.set(node, peer);
    for (const [room, key, metas] of members) this.set(peer, room, key, metas);
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

  private set({ rooms }: Peer, room: string, key: string, metas: readonly unknown[]): void {
    let keys = rooms.get(room);
    if (keys === undefined) rooms.set(room, (keys = new Map()));
    if (metas.length > 0) keys.set(key, metas);
    else keys.delete(key);
    if (keys.size === 0) rooms.delete(room);
    this.changed(room, key);
  }

  private forEach(peer: Peer | undefined, callback: (room: string, key: string) => void): void {
    for (const [room, keys] of peer?.rooms ?? []) for (const key of keys.keys()) callback(room, key);
  }
}
