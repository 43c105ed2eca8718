import { callSafely } from '../util/safe-call.js';

/** A member joined a room, left it, or has a new meta. */
export interface PresenceEvent {
  readonly room: string;
  /** The key of the member: see {@link Presence.track}. */
  readonly key: string;
  /** The meta of the first connection on `join`, of the last one on `leave`, and of the changed one on `update`. */
  readonly meta: unknown;
}

/** A listener of {@link Presence.on}. */
export type PresenceListener = (event: PresenceEvent) => void;

/** The members of all rooms, as one node knows them. Calls its listeners once for each change. */
export class PresenceView {
  readonly listeners: Record<'join' | 'leave' | 'update', PresenceListener[]> = {
    join: [],
    leave: [],
    update: [],
  };
  /** By room and key, as JSON. */
  private readonly members = new Map<string, PresenceEvent>();
  /**
   * The members with changes since the other nodes were asked, whose lists may be older; `undefined` if no request is
   * pending.
   */
  private changed: Set<string> | undefined;

  /** @param onError called with what a listener throws */
  constructor(private readonly onError: (error: unknown) => void) {}

  /** Applies a change, and calls the listeners if it is new. */
  apply(type: 'join' | 'leave' | 'update', room: string, key: string, meta: unknown): void {
    const id = idOf(room, key);
    // an update of an unknown member arrived before its join, and stands for it
    if (type === 'update' && !this.members.has(id)) type = 'join';
    this.changed?.add(id);
    if (type !== 'update' && this.members.has(id) === (type === 'join')) return;
    const event: PresenceEvent = { room, key, meta };
    if (type === 'leave') this.members.delete(id);
    else this.members.set(id, event);
    for (const listener of this.listeners[type]) callSafely(() => listener(event), this.onError);
  }

  /** Call this before the other nodes are asked for their lists: later changes take precedence over them. */
  expectLists(): void {
    this.changed = new Set();
  }

  /** Applies the lists of the nodes. @param isAll whether all nodes responded, so that members in no list have left */
  replace(all: readonly (readonly [room: string, key: string, meta: unknown])[], isAll: boolean): void {
    const { changed } = this;
    this.changed = undefined;
    const hasChanged = (id: string): boolean => changed?.has(id) === true;
    const listed = new Set(all.map(([room, key]) => idOf(room, key)));
    if (isAll) {
      for (const [id, { room, key, meta }] of this.members)
        if (!listed.has(id) && !hasChanged(id)) this.apply('leave', room, key, meta);
    }
    for (const [room, key, meta] of all)
      if (!hasChanged(idOf(room, key))) this.apply('join', room, key, meta);
  }
}

function idOf(room: string, key: string): string {
  return JSON.stringify([room, key]);
}
