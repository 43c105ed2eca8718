import { observe } from '../../server/diagnostics/channels.js';

/**
 * How many addresses a node remembers. An attacker may have very many, such as all of an IPv6 /48, and must not fill the memory.
 * Beyond this number, the node forgets the address whose last refusal is the oldest. An address that is refused often stays.
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
    const entry = this.byAddress.get(address) ?? {
      // a copy: a part of a header would keep the whole header in memory
      address: Buffer.from(address, 'latin1').toString('latin1'),
      isShared,
      count: 0,
      since: now,
      last: now,
      reason,
      rate: 0,
      ratedAt,
    };
    entry.rate = rateAt(entry, ratedAt) + 1_000 / RATE_TIME;
    entry.ratedAt = ratedAt;
    entry.count++;
    entry.last = now;
    entry.reason = reason;
    entry.isShared ||= isShared;
    this.byAddress.delete(entry.address);
    this.byAddress.set(entry.address, entry);
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
