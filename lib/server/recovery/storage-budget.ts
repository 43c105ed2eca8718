import type { StoredSession } from './types.js';
import { BudgetLedger } from './budget-ledger.js';
import { sessionBytes, SESSIONS_PART, TOO_LARGE } from './session-store.js';

/** Options of the recovery, and a function that logs when sessions are not stored. */
interface StorageOptions {
  readonly maxDisconnectionDuration: number;
  readonly maxStoredBytes: number;
  readonly warn: (subject: string, text: string) => void;
}

/**
 * Limits the bytes of the sessions that the clients of one address store with a broker. The broker removes each session
 * when it expires and does not report what it stores, so the stored bytes of an address decrease linearly over that
 * time.
 */
export class StorageBudget {
  /** By address, the time at which none of its stored bytes count any more. */
  private readonly ledger = new BudgetLedger();
  private readonly maxBytes: number;

  constructor(private readonly options: StorageOptions) {
    this.maxBytes = options.maxStoredBytes * SESSIONS_PART;
  }

  /** Returns whether a session may be stored, and if so counts its bytes. Logs a warning if not. */
  mayStore(session: StoredSession): boolean {
    const bytes = sessionBytes(session, this.maxBytes);
    if (bytes !== undefined && this.take(session.address ?? '', bytes)) return true;
    const limit = `recovery.maxStoredBytes (${this.options.maxStoredBytes}, half of it for the sessions of one address)`;
    const reason =
      bytes === undefined ? TOO_LARGE : 'is reached: further clients of that address get new sessions';
    this.options.warn(limit, `${limit} ${reason}`);
    return false;
  }

  private take(address: string, bytes: number): boolean {
    const now = performance.now();
    const { maxDisconnectionDuration: duration } = this.options;
    const fullAt = Math.max(this.ledger.get(address), now) + (bytes / this.maxBytes) * duration;
    if (fullAt - now > duration) return false;
    this.ledger.set(address, fullAt, now);
    return true;
  }
}
