import type { RequestId } from './envelope.js';
import { MAX_DELAY } from './max-delay.js';
import { RequestError } from './request-error.js';
import { TimeoutError } from './timeout-error.js';

/** Receives the result of a request: an error, or the answer. With Socket.IO's protocol, an answer may have several values. */
export type AnswerCallback = (error: Error | null, data?: unknown, values?: readonly unknown[]) => void;

interface Pending {
  callback: AnswerCallback;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** The requests that this server sent to one client and that are still unanswered. */
export class PendingRequests {
  private readonly pending = new Map<RequestId, Pending>();

  get isEmpty(): boolean {
    return this.pending.size === 0;
  }

  get size(): number {
    return this.pending.size;
  }

  /**
   * Adds a request.
   *
   * @param timeout milliseconds. `undefined`: the request stays open until the connection ends
   */
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

  /**
   * Passes an answer to its request.
   *
   * @returns `false` for a forged, repeated or late answer, which matches no open request
   */
  settle(id: RequestId, data: unknown, failed: boolean, values?: readonly unknown[]): boolean {
    const request = this.pending.get(id);
    if (request === undefined) return false;
    this.pending.delete(id);
    clearTimeout(request.timer);
    if (failed) request.callback(new RequestError(data));
    else request.callback(null, data, values);
    return true;
  }

  /** Fails all open requests, because the connection has ended. */
  failAll(error: Error): void {
    const requests = [...this.pending.values()];
    this.pending.clear();
    for (const request of requests) {
      clearTimeout(request.timer);
      request.callback(error);
    }
  }
}
