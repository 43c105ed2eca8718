import type { HeldRoom, JoinedHistory } from '../rooms/history.js';
import type { OutgoingMessage } from '../rooms/outgoing-message.js';
import type { Frame } from '../transport/frame.js';

/** A message that waits, in the encoding of its client. */
export interface WaitingMessage {
  readonly message: OutgoingMessage;
  readonly frame: Frame;
}

class Held implements HeldRoom {
  readonly messages: WaitingMessage[] = [];
  bytes = 0;
  isOver = false;
  /** After the history was written: whether the history does not have a message that arrives only now. */
  isNew: ((meta: unknown) => boolean) | undefined;
  /** Until when messages may arrive late, in milliseconds since the epoch. */
  until = 0;
}

/** Milliseconds that a message may take from another node, while the history has it already. */
const MAX_DELAY = 10_000;

/**
 * The rooms of one client whose history is being read: their messages wait until it is written. After that, messages that it
 * has already are dropped.
 */
export class HeldRooms {
  /** The joins that read a history, by room. */
  readonly joins = new Map<string, Promise<JoinedHistory>>();
  private readonly rooms = new Map<string, Held>();

  /**
   * @param maxBytes the maximum number of bytes of each room; with more, its messages are sent before its history
   * @param send sends a message that waited
   */
  constructor(
    private readonly maxBytes: number,
    readonly send: (frame: Frame) => void,
  ) {}

  /** Whether no message waits, now or later. */
  get isEmpty(): boolean {
    return this.rooms.size === 0 && this.joins.size === 0;
  }

  /** Lets the messages of a room wait from now on. */
  hold(room: string): HeldRoom {
    const held = new Held();
    this.rooms.set(room, held);
    return held;
  }

  /** Takes a message of a room that is held. @returns whether it waits, or was sent with the history */
  take(message: OutgoingMessage, frame: Frame): boolean {
    const held = this.find(message.meta);
    if (held === undefined || held.isOver) return false;
    if (held.isNew !== undefined) return this.isLate(held, message.meta);
    held.messages.push({ message, frame });
    held.bytes += frame.length;
    if (held.bytes > this.maxBytes) {
      held.isOver = true;
      for (const waiting of held.messages.splice(0)) this.send(waiting.frame);
    }
    return true;
  }

  private isLate(held: Held, meta: unknown): boolean {
    if (Date.now() < held.until) return held.isNew?.(meta) === false;
    this.forget(held);
    return false;
  }

  private find(meta: unknown): Held | undefined {
    const { room } = Object(meta) as { room?: unknown };
    if (!Array.isArray(room)) return typeof room === 'string' ? this.rooms.get(room) : undefined;
    for (const name of room) {
      const held = this.rooms.get(String(name));
      if (held !== undefined) return held;
    }
    return undefined;
  }

  /**
   * Ends the wait of a room.
   *
   * @param isNew whether the history does not have a message, of those that may arrive later; `undefined`: none can
   * @returns the messages that waited, in order
   */
  release(room: HeldRoom, isNew?: (meta: unknown) => boolean): readonly WaitingMessage[] {
    const held = room as Held;
    const messages = held.messages.splice(0);
    held.isNew = isNew;
    held.until = Date.now() + MAX_DELAY;
    if (isNew === undefined) this.forget(held);
    return messages;
  }

  private forget(held: Held): void {
    for (const [room, found] of this.rooms) if (found === held) this.rooms.delete(room);
  }
}
