import { Injectable } from '@nestjs/common';
import type { ChatMessage } from './chat.js';

/** The number of messages that are kept per room. */
const MAX_MESSAGES = 100;

/** Keeps the last messages of each room in memory, until the last member leaves. */
@Injectable()
export class ChatHistoryService {
  private readonly rooms = new Map<string, ChatMessage[]>();

  of(room: string): readonly ChatMessage[] {
    return this.rooms.get(room) ?? [];
  }

  add(room: string, author: string, text: string): ChatMessage {
    const message = { author, text, at: new Date().toISOString() };
    this.rooms.set(room, [...this.of(room), message].slice(-MAX_MESSAGES));
    return message;
  }

  forget(room: string): void {
    this.rooms.delete(room);
  }
}
