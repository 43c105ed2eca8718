import type { Logger } from '@nestjs/common';
import { LogSampler } from './log-sampler.js';
import type { ConnectionListener } from './server/mount.js';

/** Lines within a minute; what comes beyond is counted. */
const LINES = 100;

/** One line at the level `debug` for each client that comes or goes: both are clients' doing, so they are sampled. */
export class ConnectionLog implements ConnectionListener {
  private readonly sampler = new LogSampler(
    (_, times) => this.logger.debug(`${times} more clients came or went within the last minute`),
    LINES,
  );

  constructor(private readonly logger: Logger) {}

  readonly came: ConnectionListener['came'] = (client) =>
    this.tell(
      () => `${client.nsp.name}: ${client.id} connected from ${client.ip} (request ${client.requestId})`,
    );

  readonly went: ConnectionListener['went'] = (client, reason, { code }) =>
    this.tell(() => {
      const seconds = (client._age / 1_000).toFixed(1);
      const why = `${reason}, ${code}`;
      return `${client.nsp.name}: ${client.id} left after ${seconds} s: ${why} (request ${client.requestId})`;
    });

  /** Ends the window. */
  close(): void {
    this.sampler.close();
  }

  private tell(line: () => string): void {
    this.sampler.log('connections', () => this.logger.debug(line()));
  }
}
