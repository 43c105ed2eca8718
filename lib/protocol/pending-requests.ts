import type { RequestId } from './envelope.js';
import { MAX_DELAY } from './max-delay.js';
import { RequestError } from './request-error.js';
import { TimeoutError } from './timeout-error.js';

/** Takes what a request came to: an error, or the answer. */
export type AnswerCallback = (error: Error | null, data?: unknown) => void;

interface Pending {
  callback: AnswerCallback;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** The requests that this side made on one connection and that nobody has answered yet. */
export class OutgoingRequests {
  private readonly pending = new Map<RequestId, Pending>();

  get isEmpty(): boolean {
    return this.pending.size === 0;
  }

  get size(): number {
    return this.pending.size;
  }

  /** @param timeout milliseconds, none: until the connection ends */
  add(id: RequestId, callback: AnswerCallback, timeout?: number): void {
    const timer =
      timeout === undefined || timeout > MAX_DELAY
        ? undefined
        : setTimeout(() => {
            this.pending.delete(id);
            callback(new TimeoutError());
          }, timeout);
    this.pending.set(id, { callback, timer });
  }

  /** @returns whether the answer was awaited; a forged, repeated or late one is not */
  settle(id: RequestId, data: unknown, failed: boolean): boolean {
    const request = this.pending.get(id);
    if (request === undefined) return false;
    this.pending.delete(id);
    clearTimeout(request.timer);
    if (failed) request.callback(new RequestError(data));
    else request.callback(null, data);
    return true;
  }

  /** Fails whatever is open: the connection is gone. */
  failAll(error: Error): void {
    const requests = [...this.pending.values()];
    this.pending.clear();
    for (const request of requests) {
      clearTimeout(request.timer);
      request.callback(error);
    }
  }
}
