import { publishLimit } from '../diagnostics/channels.js';
import { SHARED_ADDRESS_FACTOR, type ClientInfo } from '../handshake/client-info.js';
import { refusal, RETRY_AFTER, type HttpRefusal } from './http-refusal.js';

/** How many may come; `Infinity`: there is no limit. */
export interface ConnectionCounterLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly maxPendingUpgrades: number;
}

type Counted = Pick<ClientInfo, 'rateKey' | 'isShared'>;

/** Counts the connections of one adapter, from the first byte of the upgrade to the end of the line. */
export class ConnectionCounter {
  private readonly perAddress = new Map<string, number>();
  private readonly perProxy = new Map<string, number>();
  private connections = 0;
  private pending = 0;
  /**
   * Guards still running for clients that disconnected. They count as pending, so that reconnecting in a loop cannot start an
   * unlimited number of guards.
   */
  private abandonedGuards = 0;

  constructor(
    private readonly limits: ConnectionCounterLimits,
    /** Hears of a limit that is reached. */
    private readonly warn: (limit: string, text: string) => void,
  ) {}

  /**
   * Somebody asks for an upgrade.
   *
   * @returns why there is no place, or nothing where one was taken
   */
  enter({ rateKey, isShared }: Counted): HttpRefusal | undefined {
    const { maxConnections, maxConnectionsPerAddress, maxPendingUpgrades } = this.limits;
    if (this.connections >= maxConnections) return this.refuse(503, 'maxConnections');
    if (this.pending + this.abandonedGuards >= maxPendingUpgrades)
      return this.refuse(503, 'maxPendingUpgrades');
    const perAddress = isShared ? this.perProxy : this.perAddress;
    const here = perAddress.get(rateKey) ?? 0;
    if (here >= maxConnectionsPerAddress * (isShared ? SHARED_ADDRESS_FACTOR : 1))
      return this.refuse(429, 'maxConnectionsPerAddress', isShared ? ofProxy(rateKey) : ofAddress(rateKey));
    this.connections++;
    this.pending++;
    perAddress.set(rateKey, here + 1);
    return undefined;
  }

  /** The upgrade was decided on, either way. */
  decided(): void {
    this.pending--;
  }

  /** The guards of an upgrade go on without their client, until they have come to an end. */
  guardAbandoned(end: Promise<unknown>): void {
    this.abandonedGuards++;
    void end.then(() => this.abandonedGuards--);
  }

  /** The line of one that had entered has ended. */
  leave({ rateKey, isShared }: Counted): void {
    this.connections--;
    const perAddress = isShared ? this.perProxy : this.perAddress;
    const left = (perAddress.get(rateKey) ?? 1) - 1;
    if (left === 0) perAddress.delete(rateKey);
    else perAddress.set(rateKey, left);
  }

  private refuse(
    status: 429 | 503,
    limit: keyof ConnectionCounterLimits,
    { times = '', who = '' }: Culprit = {},
  ): HttpRefusal {
    publishLimit(limit);
    this.warn(
      limit,
      `${times}limits.${limit} (${this.limits[limit]}) is reached${who}: upgrades are refused with ${status}`,
    );
    const message = status === 429 ? 'Too many connections from this address' : 'Too many connections';
    return refusal(status, message, RETRY_AFTER);
  }
}

/** Parts of what the log says of a limit that one peer has reached. */
interface Culprit {
  readonly times?: string;
  readonly who?: string;
}

function ofAddress(rateKey: string): Culprit {
  return { who: ` by ${rateKey}; if that is a proxy, name it in the option trustProxy` };
}

function ofProxy(rateKey: string): Culprit {
  const advice = 'name it in the option trustProxy, and have it send X-Forwarded-For';
  return {
    times: `${SHARED_ADDRESS_FACTOR} times `,
    who: ` by the clients of the proxy ${rateKey}, whose own addresses are not known; ${advice}`,
  };
}
