import type { Attributes, BatchObservableResult, Meter } from '@opentelemetry/api';
import { observe } from '../server/diagnostics/channels.js';
import type { MountedServer } from '../server/diagnostics/types.js';
import { sumByRoute } from '../server/diagnostics/route-totals.js';
import { NAMES } from './attributes.js';

const STATES = ['alone', 'connected', 'away'] as const;

/**
 * Tells how things stand, when it is asked: of the servers that are mounted from now on. Knows no client.
 *
 * @returns what ends it
 */
export function watchServers(meter: Meter): (() => void)[] {
  const servers = new Set<MountedServer>();
  // what is not told of any more the SDK goes on telling as it was: a route whose servers have gone has none of anything
  const routes = new Set<string>();
  const connections = meter.createObservableUpDownCounter('envelope.connections.active', {
    unit: '{connection}',
    description: 'Clients that are connected',
  });
  const outbox = meter.createObservableUpDownCounter('envelope.outbox.size', {
    unit: 'By',
    description: 'Bytes that wait for clients to read them',
  });
  const nodes = meter.createObservableGauge('envelope.cluster.nodes', {
    unit: '{node}',
    description: 'Nodes that serve the route, this one included, as far as is known',
  });
  const states = meter.createObservableGauge('envelope.cluster.status', {
    unit: '{server}',
    description: 'Servers of the route by how they stand with the other nodes',
  });
  const instruments = [connections, outbox, nodes, states];
  const tell = (result: BatchObservableResult): void => {
    for (const [route, sums] of sumByRoute(servers, routes)) {
      const attributes: Attributes = { [NAMES.destination]: route };
      result.observe(connections, sums.connections, attributes);
      result.observe(outbox, sums.outbox, attributes);
      result.observe(nodes, sums.nodes, attributes);
      for (const state of STATES)
        result.observe(states, sums.states[state], { ...attributes, [NAMES.state]: state });
    }
  };
  meter.addBatchObservableCallback(tell, instruments);
  return [
    observe('mount', ({ server }) => {
      servers.add(server);
      routes.add(server.route);
    }),
    observe('unmount', ({ server }) => servers.delete(server)),
    () => meter.removeBatchObservableCallback(tell, instruments),
  ];
}
