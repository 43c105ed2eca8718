import { tellLimit } from '../server/diagnostics.js';
import { refusal, RETRY_AFTER, type HttpRefusal } from './refusal.js';

/** How many may come; `Infinity`: there is no limit. */
export interface CensusLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly maxPendingUpgrades: number;
}

/** Counts the connections of one adapter, from the first byte of the upgrade to the end of the line. */
export class Census {
  private readonly seats = new Map<string, number>();
  private connections = 0;
  private pending = 0;
  /** Guards at work for clients that have left: who connects and leaves must not have any number of them run. */
  private orphans = 0;

  constructor(
    private readonly limits: CensusLimits,
    /** Hears of a limit that is reached. */
    private readonly warn: (limit: string, text: string) => void,
  ) {}

  /**
   * Somebody asks for an upgrade.
   *
   * @param seat what counts as one address; `undefined`: nobody knows
   * @returns why there is no place, or nothing where one was taken
   */
  enter(seat: string | undefined): HttpRefusal | undefined {
    const { maxConnections, maxConnectionsPerAddress, maxPendingUpgrades } = this.limits;
    if (this.connections >= maxConnections) return this.refuse(503, 'maxConnections', '');
    if (this.pending + this.orphans >= maxPendingUpgrades) return this.refuse(503, 'maxPendingUpgrades', '');
    const here = seat === undefined ? 0 : (this.seats.get(seat) ?? 0);
    if (here >= maxConnectionsPerAddress) {
      const who = ` by ${seat}; if that is a proxy, name it in the option trustProxy`;
      return this.refuse(429, 'maxConnectionsPerAddress', who);
    }
    this.connections++;
    this.pending++;
    if (seat !== undefined) this.seats.set(seat, here + 1);
    return undefined;
  }

  /** The upgrade was decided on, either way. */
  decided(): void {
    this.pending--;
  }

  /** The guards of an upgrade go on without their client, until they have come to an end. */
  orphaned(end: Promise<unknown>): void {
    this.orphans++;
    void end.then(() => this.orphans--);
  }

  /** The line of one that had entered has ended. */
  leave(seat: string | undefined): void {
    this.connections--;
    if (seat === undefined) return;
    const left = (this.seats.get(seat) ?? 1) - 1;
    if (left === 0) this.seats.delete(seat);
    else this.seats.set(seat, left);
  }

  private refuse(status: 429 | 503, limit: keyof CensusLimits, who: string): HttpRefusal {
    tellLimit(limit);
    this.warn(
      limit,
      `limits.${limit} (${this.limits[limit]}) is reached${who}: upgrades are refused with ${status}`,
    );
    const message = status === 429 ? 'Too many connections from this address' : 'Too many connections';
    return refusal(status, message, RETRY_AFTER);
  }
}
