import type { Attributes, BatchObservableResult, Meter } from '@opentelemetry/api';
import { observe } from '../server/diagnostics/channels.js';
import type { MountedServer } from '../server/diagnostics/types.js';
import { sumByRoute } from '../server/diagnostics/route-totals.js';
import { NAMES } from './attributes.js';

const STATES = ['alone', 'connected', 'away'] as const;

/**
 * Observes totals of all servers that are mounted from now on, each time that the SDK collects. Attributes never name a client.
 *
 * @returns functions that stop it
 */
export function watchServers(meter: Meter): (() => void)[] {
  const servers = new Set<MountedServer>();
  // the SDK repeats the last value of an attribute set that is no longer observed, so a route without servers reports zeros
  const routes = new Set<string>();
  const connections = meter.createObservableUpDownCounter('envelope.connections.active', {
    unit: '{connection}',
    description: 'Connected clients',
  });
  const outbox = meter.createObservableUpDownCounter('envelope.outbox.size', {
    unit: 'By',
    description: 'Bytes waiting to be sent to clients',
  });
  const nodes = meter.createObservableGauge('envelope.cluster.nodes', {
    unit: '{node}',
    description: 'Known nodes that serve the route, including this one',
  });
  const states = meter.createObservableGauge('envelope.cluster.status', {
    unit: '{server}',
    description: 'Servers of the route by the state of their cluster connection',
  });
  const instruments = [connections, outbox, nodes, states];
  const collect = (result: BatchObservableResult): void => {
    for (const [route, sums] of sumByRoute(servers, routes)) {
      const attributes: Attributes = { [NAMES.destination]: route };
      result.observe(connections, sums.connections, attributes);
      result.observe(outbox, sums.outbox, attributes);
      result.observe(nodes, sums.nodes, attributes);
      for (const state of STATES)
        result.observe(states, sums.states[state], { ...attributes, [NAMES.state]: state });
    }
  };
  meter.addBatchObservableCallback(collect, instruments);
  return [
    observe('mount', ({ server }) => {
      servers.add(server);
      routes.add(server.route);
    }),
    observe('unmount', ({ server }) => servers.delete(server)),
    () => meter.removeBatchObservableCallback(collect, instruments),
  ];
}
