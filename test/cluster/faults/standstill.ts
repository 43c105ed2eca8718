import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ClusterNode } from './node-process.js';

/**
 * Begins to measure how long this process and those of the nodes stand still, which is no fault of the nodes: others share the
 * processors.
 *
 * @returns a function that resolves with the milliseconds for which a message between them may be late
 */
export async function measureStandstill(nodes: readonly ClusterNode[]): Promise<() => Promise<number>> {
  const delay = monitorEventLoopDelay();
  delay.enable();
  await Promise.all(nodes.map((node) => node.standstill()));
  return async () => {
    const theirs = await Promise.all(nodes.map((node) => node.standstill()));
    delay.disable();
    return Math.round(delay.max / 1e6 + Math.max(...theirs));
  };
}
