import type { StoredSession } from '../server/recovery.js';
import { sessionBytes, SESSIONS_PART } from './session-store.js';

/** So many addresses are kept before those without a debt are looked for. */
const SWEEP_AT = 1_000;

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
  /** By address, the moment at which all that it has stored counts nothing any more. */
  private readonly paid = new Map<string, number>();
  private sweepAt = SWEEP_AT;
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
      bytes === undefined
        ? 'does not allow a session for a client whose client.data is that large: keep there what it needs'
        : 'is reached: further clients of that address get new sessions';
    this.terms.warn(limit, `${limit} ${why}`);
    return false;
  }

  private take(address: string, bytes: number): boolean {
    const now = performance.now();
    const { maxDisconnectionDuration: duration } = this.terms;
    const paid = Math.max(this.paid.get(address) ?? 0, now) + (bytes / this.maxBytes) * duration;
    if (paid - now > duration) return false;
    this.paid.set(address, paid);
    if (this.paid.size >= this.sweepAt) this.sweep(now);
    return true;
  }

  private sweep(now: number): void {
    for (const [address, paid] of this.paid) if (paid <= now) this.paid.delete(address);
    this.sweepAt = Math.max(SWEEP_AT, 2 * this.paid.size);
  }
}
