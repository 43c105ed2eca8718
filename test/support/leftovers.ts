import type { EnvelopeServer } from '../../lib/index.js';
import type { TestApp } from './app.js';

interface Census {
  connections: number;
  pending: number;
  seats: Map<string, number>;
}

interface Pool {
  server: EnvelopeServer;
  children: Map<string, EnvelopeServer>;
  gate: { upgrades: Map<unknown, unknown> };
}

/** What an adapter holds for its clients, on all paths together. */
export function leftovers(app: TestApp): Record<string, number> {
  const census = Reflect.get(app.adapter, 'census') as Census;
  const pools = [...(Reflect.get(app.adapter, 'pools') as Iterable<Pool>)];
  const servers = pools.flatMap(({ server, children }) => [server, ...children.values()]);
  const count = (of: (server: EnvelopeServer) => number): number =>
    servers.reduce((sum, server) => sum + of(server), 0);
  return {
    connections: census.connections,
    pending: census.pending,
    seats: census.seats.size,
    upgrades: pools.reduce((sum, { gate }) => sum + gate.upgrades.size, 0),
    children: pools.reduce((sum, { children }) => sum + children.size, 0),
    sockets: count(({ sockets }) => sockets.size),
    arriving: count(({ _arriving }) => _arriving.size),
    // of a RegExp namespace itself the rooms are those of its children
    rooms: count(({ adapter }) => adapter.rooms?.size ?? 0),
    sids: count(({ adapter }) => adapter.sids?.size ?? 0),
  };
}

/** What it holds when nobody is there. */
export const NOTHING = {
  connections: 0,
  pending: 0,
  seats: 0,
  upgrades: 0,
  children: 0,
  sockets: 0,
  arriving: 0,
  rooms: 0,
  sids: 0,
};
