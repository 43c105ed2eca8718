import { ConsoleLogger, Logger } from '@nestjs/common';
import { LogSampler } from './log-sampler.js';
import { printable } from '../../server/util/printable.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { ConnectionListener } from '../../server/socket/namespace-contract.js';

/** Lines within a minute; what comes beyond is counted. */
const LINES = 100;

/**
 * One line at the level `verbose` for each client that connects or disconnects. Both are clients' doing, so they are
 * sampled. Nest's own logger prints them only where it was told which levels to print: an application that says nothing
 * about levels does not expect its clients' addresses in its log.
 */
export class ConnectionLog implements ConnectionListener<EnvelopeSocket> {
  private readonly sampler = new LogSampler(
    (_, times) => this.logger.verbose(`${times} more clients came or went within the last minute`),
    LINES,
  );

  constructor(private readonly logger: Logger) {}

  readonly connected: ConnectionListener<EnvelopeSocket>['connected'] = (client) =>
    this.tell(
      () => `${client.nsp.name}: ${client.id} connected from ${client.ip} (request ${client.requestId})`,
    );

  readonly disconnected: ConnectionListener<EnvelopeSocket>['disconnected'] = (client, reason, { code }) =>
    this.tell(() => {
      const seconds = (client._upgrade.age / 1_000).toFixed(1);
      const why = `${reason}, ${code}`;
      return `${client.nsp.name}: ${client.id} left after ${seconds} s: ${why} (request ${client.requestId})`;
    });

  /** Ends the window. */
  close(): void {
    this.sampler.close();
  }

  private tell(line: () => string): void {
    if (isAskedFor()) this.sampler.log('connections', () => this.logger.verbose(printable(line())));
  }
}

/** How many levels there are. Nest's own logger prints all unless it is told which. */
const ALL_LEVELS = 6;

/** Whether the logger would print a line at `verbose`, and somebody wanted it to. A logger of another kind decides itself. */
function isAskedFor(): boolean {
  const { logLevels, staticInstanceRef: logger } = Logger as unknown as LoggerInternals;
  if (logger === undefined) return false;
  if (logLevels !== undefined) return Logger.isLevelEnabled('verbose');
  if (!(logger instanceof ConsoleLogger)) return true;
  const own = (logger as unknown as { options?: { logLevels?: unknown[] } }).options?.logLevels;
  return own !== undefined && own.length < ALL_LEVELS && logger.isLevelEnabled('verbose');
}

/** Protected in Nest: where `NestFactory.create(…, { logger })` and `app.useLogger()` put what they were given. */
interface LoggerInternals {
  readonly logLevels?: readonly string[];
  readonly staticInstanceRef?: object;
}
