import type { Logger } from '@nestjs/common';
import type { ClusterStatus } from '../../server/diagnostics/types.js';
import { channels } from '../../server/diagnostics/channels.js';

/** One line for each time that a broker goes away or comes back. */
export function logBrokerStatus(
  logger: Logger,
  status: ClusterStatus,
  before: ClusterStatus,
  cause: unknown,
): void {
  if (channels.cluster.hasSubscribers) channels.cluster.publish({ status, before, cause });
  if (status.state === 'connected') {
    const seconds = ((status.since - before.since) / 1_000).toFixed(1);
    logger.log(`The cluster's broker answers again, after ${seconds} s`);
    return;
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  logger.warn(
    `The cluster's broker is away (${why}): clients of this node are served, other nodes hear nothing`,
  );
}
