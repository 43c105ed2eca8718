import type { Envelope } from '../../protocol/envelope.js';
import { OutgoingRequests } from '../../protocol/pending-requests.js';
import { DisconnectedError } from '../../protocol/disconnected-error.js';

/** Requests to one client that may wait for their answers at a time: a client that does not answer must not pile them up. */
export const MAX_UNANSWERED = 1_000;

/** Adapters leave the callbacks of room-wide requests here also after those have timed out: the oldest go. */
class RecentCallbacks extends Map<number, (answer: unknown) => void> {
  override set(id: number, callback: (answer: unknown) => void): this {
    const [oldest] = this.size >= MAX_UNANSWERED ? this.keys() : [];
    if (oldest !== undefined) this.delete(oldest);
    return super.set(id, callback);
  }
}

/** What this side asked one client and has no answer to: by itself, and through adapters for a whole room. */
export class Answers {
  readonly own = new OutgoingRequests();
  /** Where adapters leave the callbacks of room-wide requests. */
  readonly byAdapter: Map<number, (answer: unknown) => void> = new RecentCallbacks();

  get isEmpty(): boolean {
    return this.own.isEmpty && this.byAdapter.size === 0;
  }

  /** As many requests as may wait for their answers do. */
  get isFull(): boolean {
    return this.own.size >= MAX_UNANSWERED;
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
    this.own.failAll(new DisconnectedError('the socket has been disconnected'));
  }
}
