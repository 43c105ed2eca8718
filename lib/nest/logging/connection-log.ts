import { ConsoleLogger, Logger } from '@nestjs/common';
import { LogSampler } from './log-sampler.js';
import { printable } from '../../server/util/printable.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { ConnectionListener } from '../../server/socket/namespace-contract.js';

/** Log lines per minute. Further clients are counted. */
const MAX_LINES = 100;

/**
 * Logs each client that connects or disconnects, at the level `verbose`. Clients cause both at will, so it limits the
 * number of lines. With Nest's own logger it logs only if the application has chosen its log levels: an application that
 * has not does not expect its clients' addresses in its log.
 */
export class ConnectionLog implements ConnectionListener<EnvelopeSocket> {
  private readonly sampler = new LogSampler(
    (_, times) =>
      this.logger.verbose(`${times} more clients connected or disconnected within the last minute`),
    MAX_LINES,
  );

  constructor(private readonly logger: Logger) {}

  readonly connected: ConnectionListener<EnvelopeSocket>['connected'] = (client) => {
    if (!isEnabled()) return;
    this.log(
      () => `${client.nsp.name}: ${client.id} connected from ${client.ip} (request ${client.requestId})`,
    );
  };

  readonly disconnected: ConnectionListener<EnvelopeSocket>['disconnected'] = (client, reason, { code }) => {
    if (!isEnabled()) return;
    this.log(() => {
      const seconds = (client._upgrade.age / 1_000).toFixed(1);
      const why = `${reason}, ${code}`;
      return `${client.nsp.name}: ${client.id} disconnected after ${seconds} s: ${why} (request ${client.requestId})`;
    });
  };

  /** Logs the number of clients that were left out. */
  close(): void {
    this.sampler.close();
  }

  private log(line: () => string): void {
    this.sampler.log('connections', () => this.logger.verbose(printable(line())));
  }
}

/** The number of Nest's log levels. Its logger prints all of them by default. */
const ALL_LEVELS = 6;

/** Whether the application has chosen to log `verbose`. A logger of another class than Nest's decides itself. */
function isEnabled(): boolean {
  const { logLevels, staticInstanceRef: logger } = Logger as unknown as LoggerInternals;
  if (logger === undefined) return false;
  if (logLevels !== undefined) return isVerbose(logLevels);
  if (!(logger instanceof ConsoleLogger)) return true;
  const own = (logger as unknown as { options?: { logLevels?: unknown[] } }).options?.logLevels;
  return own !== undefined && own.length < ALL_LEVELS && logger.isLevelEnabled('verbose');
}

let knownLevels: readonly string[] | undefined;
let knownCount = 0;
let hasVerbose = false;

/** Asks Nest when the levels have changed: it sorts them for each answer, which took 1 % of the time of a connection. */
function isVerbose(levels: readonly string[]): boolean {
  if (levels !== knownLevels || levels.length !== knownCount) {
    knownLevels = levels;
    knownCount = levels.length;
    hasVerbose = Logger.isLevelEnabled('verbose');
  }
  return hasVerbose;
}

/** Protected members of Nest's `Logger`: the arguments of `NestFactory.create(…, { logger })` and `app.useLogger()`. */
interface LoggerInternals {
  readonly logLevels?: readonly string[];
  readonly staticInstanceRef?: object;
}
