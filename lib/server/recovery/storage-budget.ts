import type { StoredSession } from './types.js';
import { Ledger } from './budget-ledger.js';
import { sessionBytes, SESSIONS_PART, TOO_LARGE } from './session-store.js';

/** Options of the recovery, and who is told that sessions are not kept. */
interface Terms {
  readonly maxDisconnectionDuration: number;
  readonly maxStoredBytes: number;
  readonly warn: (subject: string, text: string) => void;
}

/**
 * Bounds the bytes of sessions that the clients of one address have with a broker, which forgets each after some time
 * and cannot be asked what it holds. What an address has stored counts less and less until then.
 */
export class StorageBudget {
  /** By address, the moment at which nothing that it has stored counts any more. */
  private readonly ledger = new Ledger();
  private readonly maxBytes: number;

  constructor(private readonly terms: Terms) {
    this.maxBytes = terms.maxStoredBytes * SESSIONS_PART;
  }

  /** @returns whether there is room for a session; then it counts */
  mayKeep(session: StoredSession): boolean {
    const bytes = sessionBytes(session, this.maxBytes);
    if (bytes !== undefined && this.take(session.address ?? '', bytes)) return true;
    const limit = `recovery.maxStoredBytes (${this.terms.maxStoredBytes}, half of it for the sessions of one address)`;
    const why =
      bytes === undefined ? TOO_LARGE : 'is reached: further clients of that address get new sessions';
    this.terms.warn(limit, `${limit} ${why}`);
    return false;
  }

  private take(address: string, bytes: number): boolean {
    const now = performance.now();
    const { maxDisconnectionDuration: duration } = this.terms;
    const paid = Math.max(this.ledger.get(address), now) + (bytes / this.maxBytes) * duration;
    if (paid - now > duration) return false;
    this.ledger.set(address, paid, now);
    return true;
  }
}
