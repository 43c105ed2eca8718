import type { EnvelopeServer } from '../../lib/index.js';
import type { TestApp } from './app.js';

interface ConnectionCounter {
  connections: number;
  pending: number;
  perAddress: Map<string, number>;
  abandonedGuards: number;
}

interface Endpoint {
  server: EnvelopeServer;
  /** Of a RegExp namespace. */
  children: Iterable<EnvelopeServer> | undefined;
  upgrades: { upgrades: Set<unknown> };
}

/** The private fields of an `EnvelopeAdapter` that tests read. */
export interface AdapterInternals {
  services: { connectionCounter: ConnectionCounter };
  mounted: { endpoints: Iterable<Endpoint> };
}

/** Counts what an adapter keeps for its clients, over all paths. */
export function countResources(app: TestApp): Record<string, number> {
  const { services, mounted } = app.adapter as unknown as AdapterInternals;
  const { connectionCounter: counter } = services;
  const endpoints = [...mounted.endpoints];
  const childrenOf = ({ children }: Endpoint): EnvelopeServer[] => [...(children ?? [])];
  const servers = endpoints.flatMap((endpoint) => [endpoint.server, ...childrenOf(endpoint)]);
  const count = (of: (server: EnvelopeServer) => number): number =>
    servers.reduce((sum, server) => sum + of(server), 0);
  return {
    connections: counter.connections,
    pending: counter.pending,
    addresses: counter.perAddress.size,
    upgrades: endpoints.reduce((sum, { upgrades }) => sum + upgrades.upgrades.size, 0),
    children: endpoints.reduce((sum, endpoint) => sum + childrenOf(endpoint).length, 0),
    sockets: count(({ sockets }) => sockets.size),
    arriving: count(({ _connecting }) => _connecting.size),
    // a RegExp namespace has no adapter: its children have the rooms
    rooms: count(({ adapter }) => adapter.rooms?.size ?? 0),
    sids: count(({ adapter }) => adapter.sids?.size ?? 0),
  };
}

/** The counts without any client. */
export const NO_RESOURCES = {
  connections: 0,
  pending: 0,
  addresses: 0,
  upgrades: 0,
  children: 0,
  sockets: 0,
  arriving: 0,
  rooms: 0,
  sids: 0,
};
