import type { Logger } from '@nestjs/common';
import type { ClusterStatus } from '../../server/diagnostics/types.js';
import { channels } from '../../server/diagnostics/channels.js';

/** Logs, and publishes on the diagnostics channel, that a cluster's broker stopped or started to answer. */
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
    `The cluster's broker is away (${why}): this node serves its clients, but reaches no other node`,
  );
}
