import type { Envelope } from '../../protocol/envelope.js';
import { PendingRequests } from '../../protocol/pending-requests.js';
import { DisconnectedError } from '../../protocol/disconnected-error.js';

/** How many requests to one client may wait for answers at a time, so that a client that never answers cannot fill the memory. */
export const MAX_UNANSWERED = 1_000;

/** The callbacks of room-wide requests. Adapters do not remove them after a timeout, so the oldest are dropped. */
class RecentCallbacks extends Map<number, (answer: unknown) => void> {
  override set(id: number, callback: (answer: unknown) => void): this {
    const [oldest] = this.size >= MAX_UNANSWERED ? this.keys() : [];
    if (oldest !== undefined) this.delete(oldest);
    return super.set(id, callback);
  }
}

/** The requests to one client that wait for an answer: its own, and those to a whole room that adapters send. */
export class Answers {
  readonly own = new PendingRequests();
  /** Where adapters put the callbacks of room-wide requests. */
  readonly byAdapter: Map<number, (answer: unknown) => void> = new RecentCallbacks();

  get isEmpty(): boolean {
    return this.own.isEmpty && this.byAdapter.size === 0;
  }

  /** Whether no further request is accepted. */
  get isFull(): boolean {
    return this.own.size >= MAX_UNANSWERED;
  }

  /** Passes an answer to its request. @returns whether one waits for it */
  settle({ ack, event, data, args }: Envelope): boolean {
    if (this.own.settle(ack!, data, event === 'exception', args)) return true;
    const callback = this.byAdapter.get(ack as number);
    if (callback === undefined) return false;
    this.byAdapter.delete(ack as number);
    callback(args === undefined ? data : args[0]);
    return true;
  }

  /** Fails all requests: the client has disconnected. */
  failAll(): void {
    this.byAdapter.clear();
    this.own.failAll(new DisconnectedError('the socket has been disconnected'));
  }
}
