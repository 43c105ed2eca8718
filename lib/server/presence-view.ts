import { attempt } from './attempt.js';

/** Somebody came into a room, or went out of it. */
export interface PresenceEvent {
  readonly room: string;
  /** Who it is. */
  readonly key: string;
  /** What was said of the first connection, or of the last. */
  readonly meta: unknown;
}

/** What one node has told its listeners of who is where: they hear of each change once. */
export class PresenceView {
  readonly listeners: Record<'join' | 'leave', ((event: PresenceEvent) => void)[]> = { join: [], leave: [] };
  private readonly present = new Map<string, PresenceEvent>();
  /** Of whom it was told since the other nodes were asked: their lists may be older. */
  private fresh: Set<string> | undefined;

  constructor(private readonly failed: (error: unknown) => void) {}

  apply(type: 'join' | 'leave', room: string, key: string, meta: unknown): void {
    const place = JSON.stringify([room, key]);
    this.fresh?.add(place);
    if (this.present.has(place) === (type === 'join')) return;
    const event: PresenceEvent = { room, key, meta };
    if (type === 'join') this.present.set(place, event);
    else this.present.delete(place);
    for (const listener of this.listeners[type]) attempt(() => listener(event), this.failed);
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
