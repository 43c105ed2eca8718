import type { ConnectionLimits } from './connection-limits.js';

/** The message rate of one connection: `messagesPerSecond`, and how many refusals follow before the connection ends. */
export class MessageRate {
  /** The state of the token bucket of messages: see `TokenBucket.take`. */
  private paid = 0;
  /** The same for refusals. */
  private paidRefusals = 0;

  constructor(private readonly limits: Pick<ConnectionLimits, 'messages' | 'refusals'>) {}

  /** Takes a token for one message, ping or pong. @returns whether one was left */
  take(): boolean {
    const { messages } = this.limits;
    if (messages === undefined) return true;
    const paid = messages.take(this.paid, performance.now());
    if (paid === 0) return false;
    this.paid = paid;
    return true;
  }

  /** Gives one token back. */
  refund(): void {
    const { messages } = this.limits;
    if (messages !== undefined && this.paid !== 0) this.paid -= messages.interval;
  }

  /** Takes a token for one refusal. @returns whether one was left */
  takeRefusal(): boolean {
    this.paidRefusals = this.limits.refusals.take(this.paidRefusals, performance.now());
    return this.paidRefusals !== 0;
  }
}
