import type { Envelope } from '../protocol/envelope.js';
import { OutgoingRequests } from '../protocol/outgoing-requests.js';

/** What this side asked one client and has no answer to: by itself, and through adapters for a whole room. */
export class Answers {
  readonly own = new OutgoingRequests();
  /** Where adapters leave the callbacks of room-wide requests. */
  readonly byAdapter = new Map<number, (answer: unknown) => void>();

  get isEmpty(): boolean {
    return this.own.isEmpty && this.byAdapter.size === 0;
  }

  /** @returns whether the answer was awaited */
  settle({ ack, event, data }: Envelope): boolean {
    if (this.own.settle(ack!, data, event === 'exception')) return true;
    const callback = this.byAdapter.get(ack as number);
    if (callback === undefined) return false;
    this.byAdapter.delete(ack as number);
    callback(data);
    return true;
  }

  /** The connection is gone. */
  failAll(): void {
    this.byAdapter.clear();
    this.own.failAll(new Error('the socket has been disconnected'));
  }
}
