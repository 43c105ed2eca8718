import { observe } from '../../server/diagnostics/channels.js';

/**
 * Addresses that are remembered. Whoever has many of them, such as those of an IPv6 /48, must not fill the memory: beyond this number,
 * the one that was refused the longest time ago is forgotten. One that is refused often stays, so it is found among the others.
 */
const MAX_ADDRESSES = 1_000;
/** Milliseconds over which the rate is an average: a refusal counts whole now, and with a third of its weight after this time. */
const RATE_TIME = 10_000;

/** The refused upgrades of one address. */
export interface RefusalCount {
  /** Empty: connections without an address, and those whose address is not known. */
  readonly address: string;
  /** Whether it is that of a proxy, and so that of many clients. */
  isShared: boolean;
  count: number;
  /** When it was refused first, and last, in milliseconds since the epoch. */
  readonly since: number;
  last: number;
  /** The HTTP status, and the reason if it is known: `403 origin`. */
  reason: string;
  /** Refusals a second at the time `ratedAt` of the monotonic clock: use {@link rateOf}. */
  rate: number;
  ratedAt: number;
}

/** Counts the refused upgrades of this process by address, from its start on. Each of them costs the same, whatever is remembered. */
export class RefusalCounts {
  /** The one that was refused last is the last one. */
  private readonly byAddress = new Map<string, RefusalCount>();
  readonly stop: () => void;

  constructor() {
    this.stop = observe('upgrade.refuse', ({ status, why, address = '', isShared }) =>
      this.add(address, isShared, why === undefined ? String(status) : `${status} ${why}`),
    );
  }

  get all(): Iterable<RefusalCount> {
    return this.byAddress.values();
  }

  get(address: string): RefusalCount | undefined {
    return this.byAddress.get(address);
  }

  private add(address: string, isShared: boolean, reason: string): void {
    const now = Date.now();
    const ratedAt = performance.now();
    const known = this.byAddress.get(address);
    if (known !== undefined) {
      known.rate = rateAt(known, ratedAt) + 1_000 / RATE_TIME;
      known.ratedAt = ratedAt;
      known.count++;
      known.last = now;
      known.reason = reason;
      known.isShared ||= isShared;
      this.byAddress.delete(address);
      this.byAddress.set(address, known);
      return;
    }
    // a copy: a part of a header would keep the whole header in memory
    const copy = Buffer.from(address, 'latin1').toString('latin1');
    const rate = 1_000 / RATE_TIME;
    this.byAddress.set(copy, {
      address: copy,
      isShared,
      count: 1,
      since: now,
      last: now,
      reason,
      rate,
      ratedAt,
    });
    if (this.byAddress.size <= MAX_ADDRESSES) return;
    const [oldest] = this.byAddress.keys();
    this.byAddress.delete(oldest!);
  }
}

function rateAt({ rate, ratedAt }: RefusalCount, at: number): number {
  return rate * Math.exp((ratedAt - at) / RATE_TIME);
}

/** Returns how many upgrades of an address are refused in a second at present, with one decimal. */
export function rateOf(entry: RefusalCount): number {
  return Math.round(10 * rateAt(entry, performance.now())) / 10;
}
