import { SHARED_ADDRESS_FACTOR, type ClientInfo } from '../handshake/client-info.js';
import { because, refusal, RETRY_AFTER, type HttpRefusal } from './http-refusal.js';

/** The limits of one adapter. `Infinity` disables a limit. */
interface ConnectionCounterLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly maxPendingUpgrades: number;
}

type RateIdentity = Pick<ClientInfo, 'rateKey' | 'isShared'>;

/**
 * Counts the connections of one adapter and enforces its limits. A connection counts from the first byte of the upgrade
 * request until it is closed.
 */
export class ConnectionCounter {
  private readonly perAddress = new Map<string, number>();
  private readonly perProxy = new Map<string, number>();
  private connections = 0;
  private pending = 0;
  /**
   * Guards still running for clients that disconnected. They count as pending, so that reconnecting in a loop cannot
   * start an unlimited number of guards.
   */
  private abandonedGuards = 0;

  constructor(
    private readonly limits: ConnectionCounterLimits,
    /** Reports that a limit is reached. */
    private readonly report: (limit: string, text: string) => void,
  ) {}

  /**
   * Counts an upgrade request, unless a limit is reached.
   *
   * @returns the refusal if a limit is reached, otherwise `undefined`
   */
  tryAdd({ rateKey, isShared }: RateIdentity): HttpRefusal | undefined {
    const { maxConnections, maxConnectionsPerAddress, maxPendingUpgrades } = this.limits;
    if (this.connections >= maxConnections) return this.refuse(503, 'maxConnections');
    if (this.pending + this.abandonedGuards >= maxPendingUpgrades)
      return this.refuse(503, 'maxPendingUpgrades');
    const perAddress = isShared ? this.perProxy : this.perAddress;
    const count = perAddress.get(rateKey) ?? 0;
    if (count >= maxConnectionsPerAddress * (isShared ? SHARED_ADDRESS_FACTOR : 1))
      return this.refuse(429, 'maxConnectionsPerAddress', isShared ? ofProxy(rateKey) : ofAddress(rateKey));
    this.connections++;
    this.pending++;
    perAddress.set(rateKey, count + 1);
    return undefined;
  }

  /** Counts a pending upgrade of a transport that {@link tryAdd} counted before. Returns like {@link tryAdd}. */
  tryAddPending(): HttpRefusal | undefined {
    if (this.pending + this.abandonedGuards >= this.limits.maxPendingUpgrades)
      return this.refuse(503, 'maxPendingUpgrades');
    this.pending++;
    return undefined;
  }

  /** Removes an upgrade from the pending ones, since it was accepted or refused. */
  upgradeDecided(): void {
    this.pending--;
  }

  /** Counts guards that still run for a client that disconnected, until `ended` resolves. */
  guardAbandoned(ended: Promise<unknown>): void {
    this.abandonedGuards++;
    void ended.then(() => this.abandonedGuards--);
  }

  /** Removes a connection that {@link tryAdd} counted, since it was refused or closed. */
  remove({ rateKey, isShared }: RateIdentity): void {
    this.connections--;
    const perAddress = isShared ? this.perProxy : this.perAddress;
    const count = (perAddress.get(rateKey) ?? 1) - 1;
    if (count === 0) perAddress.delete(rateKey);
    else perAddress.set(rateKey, count);
  }

  private refuse(
    status: 429 | 503,
    limit: keyof ConnectionCounterLimits,
    { factor = '', suffix = '' }: LimitSubject = {},
  ): HttpRefusal {
    this.report(
      limit,
      `${factor}limits.${limit} (${this.limits[limit]}) is reached${suffix}: upgrades are refused with ${status}`,
    );
    const message = status === 429 ? 'Too many connections from this address' : 'Too many connections';
    return because(limit, refusal(status, message, RETRY_AFTER));
  }
}

/** The parts of the log line that name the peer by which a limit is reached. */
interface LimitSubject {
  /** Precedes the name of the limit. */
  readonly factor?: string;
  /** Follows the value of the limit. */
  readonly suffix?: string;
}

function ofAddress(rateKey: string): LimitSubject {
  return { suffix: ` by ${rateKey}; if that is a proxy, name it in the option trustProxy` };
}

function ofProxy(rateKey: string): LimitSubject {
  const advice = 'name it in the option trustProxy, and configure it to send X-Forwarded-For';
  return {
    factor: `${SHARED_ADDRESS_FACTOR} times `,
    suffix: ` by the clients of the proxy ${rateKey}, which does not name their addresses; ${advice}`,
  };
}
