import type { EventPacket } from '../server/rooms/adapter-types.js';
import { readPosition } from './cursor.js';

/** A message that this node has sent to its clients a moment ago. */
export interface RecentMessage {
  readonly sender: string;
  readonly number: number;
  readonly packet: Omit<EventPacket, 'type'>;
  readonly rooms: readonly string[];
  readonly receivedAt: number;
}

/** Milliseconds after which a message is in the store. */
const DURATION = 5_000;
const MAX_MESSAGES = 10_000;

/**
 * The last messages that this node received of rooms with a history. Another node may have sent a message before a client
 * joined, while the store receives it only after the client has read: without this, the client would not receive it.
 */
export class RecentMessages {
  private messages: RecentMessage[] = [];
  private removed = 0;

  /** How many messages were added so far. */
  get count(): number {
    return this.removed + this.messages.length;
  }

  constructor(
    /** The sender whose messages are in the store before anyone reads it: this node. */
    private readonly own: string,
  ) {}

  add(packet: Omit<EventPacket, 'type'>): void {
    const { position, room } = packet.meta as { position?: unknown; room?: unknown };
    const read = readPosition(position);
    const rooms = typeof room === 'string' ? [room] : room;
    if (read === undefined || read.sender === this.own || !Array.isArray(rooms)) return;
    const receivedAt = Date.now();
    this.messages.push({
      ...read,
      packet,
      rooms: rooms.map(String),
      receivedAt,
    });
    this.trim(receivedAt - DURATION);
  }

  /** Returns the messages of a room among the first `count` ones. */
  of(room: string, count: number): RecentMessage[] {
    this.trim(Date.now() - DURATION);
    return this.messages
      .slice(0, Math.max(0, count - this.removed))
      .filter(({ rooms }) => rooms.includes(room));
  }

  private trim(oldest: number): void {
    const { messages } = this;
    if (messages.length <= MAX_MESSAGES && (messages[0]?.receivedAt ?? Infinity) >= oldest) return;
    let first = Math.max(0, messages.length - MAX_MESSAGES);
    while (first < messages.length && messages[first]!.receivedAt < oldest) first++;
    // moving all of them for each message would cost more than the message
    if (first * 4 < messages.length && messages.length <= 2 * MAX_MESSAGES) return;
    this.messages = messages.slice(first);
    this.removed += first;
  }
}
