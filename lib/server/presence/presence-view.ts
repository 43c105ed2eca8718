import { callSafely } from '../util/safe-call.js';

/** Somebody came into a room, or went out of it, or has another meta. */
export interface PresenceEvent {
  readonly room: string;
  /** Who it is. */
  readonly key: string;
  /** What was said of the first connection, of the last, or of the one that is updated. */
  readonly meta: unknown;
}

/** What one node has told its listeners of who is where: they hear of each change once. */
export class PresenceView {
  readonly listeners: Record<'join' | 'leave' | 'update', ((event: PresenceEvent) => void)[]> = {
    join: [],
    leave: [],
    update: [],
  };
  private readonly present = new Map<string, PresenceEvent>();
  /** Of whom it was told since the other nodes were asked: their lists may be older. */
  private fresh: Set<string> | undefined;

  constructor(private readonly failed: (error: unknown) => void) {}

  apply(type: 'join' | 'leave' | 'update', room: string, key: string, meta: unknown): void {
    const place = JSON.stringify([room, key]);
    // whoever is updated is there: its join is still to come, and would take it for gone before
    if (type === 'update' && !this.present.has(place)) type = 'join';
    this.fresh?.add(place);
    if (type !== 'update' && this.present.has(place) === (type === 'join')) return;
    const event: PresenceEvent = { room, key, meta };
    if (type === 'leave') this.present.delete(place);
    else this.present.set(place, event);
    for (const listener of this.listeners[type]) callSafely(() => listener(event), this.failed);
  }

  /** The other nodes are about to be asked. */
  expectLists(): void {
    this.fresh = new Set();
  }

  /** @param isAll who is not among them is not there */
  replace(all: readonly (readonly [room: string, key: string, meta: unknown])[], isAll: boolean): void {
    const { fresh } = this;
    this.fresh = undefined;
    const isFresh = (place: string): boolean => fresh?.has(place) === true;
    const places = new Set(all.map(([room, key]) => JSON.stringify([room, key])));
    if (isAll) {
      for (const [place, { room, key, meta }] of this.present)
        if (!places.has(place) && !isFresh(place)) this.apply('leave', room, key, meta);
    }
    for (const [room, key, meta] of all)
      if (!isFresh(JSON.stringify([room, key]))) this.apply('join', room, key, meta);
  }
}
