import type { EnvelopeServer } from '../../server/namespace/envelope-server.js';
import { choice, numberOf, optionalText, requestFields, requiredText } from './checked-values.js';
import { limitOf } from './connection-list.js';
import { serversOf, visitAll, type NodeServers } from './node-servers.js';
import { compareText, TopList } from './top-list.js';
import type { RoomView } from './views.js';

/** Characters of a room's name. */
const MAX_NAME = 1_000;

/** A request for rooms, checked. */
export interface RoomQuery {
  readonly namespace: string;
  readonly prefix: string;
  readonly after: string;
  readonly limit: number;
  readonly order: 'name' | 'size';
}

/** The rooms of one node: a part of a page. */
export interface RoomPart {
  readonly rows: readonly RoomView[];
  /** Whether the node has further rooms that fulfil the request. */
  readonly more: boolean;
}

/** Reads a request of an admin. @throws WsException on an unknown or malformed field */
export function readRoomQuery(data: unknown): RoomQuery {
  const fields = requestFields(data, ['namespace', 'prefix', 'cursor', 'limit', 'order']);
  return {
    namespace: requiredText(fields, 'namespace', 1_000),
    prefix: optionalText(fields, 'prefix', MAX_NAME) ?? '',
    after: optionalText(fields, 'cursor', MAX_NAME) ?? '',
    limit: limitOf(fields),
    order: choice(fields, 'order', ['name', 'size'] as const) ?? 'name',
  };
}

/** Returns the first rooms of this node in the order of a request, without the rooms of single connections. */
export async function listRooms(
  servers: NodeServers,
  { namespace, prefix, after, limit, order }: RoomQuery,
): Promise<RoomPart> {
  const first = new TopList<RoomView>(
    limit + 1,
    order === 'name'
      ? (a, b) => compareText(a.name, b.name)
      : (a, b) => b.size - a.size || compareText(a.name, b.name),
  );
  for (const { adapter, sockets } of serversAt(servers, namespace))
    await visitAll<[unknown, ReadonlySet<string>]>(adapter.rooms, ([room, { size }]) => {
      const name = String(room);
      if (order === 'name' && name <= after && after !== '') return;
      // such a name would be no cursor
      if (!name.startsWith(prefix) || name.length > MAX_NAME || sockets.has(name)) return;
      first.add({ name, size });
    });
  return { rows: first.all.slice(0, limit), more: first.all.length > limit };
}

/** Returns the sizes of rooms on this node, in the order of the names. */
export function sizesOf(servers: NodeServers, namespace: string, names: readonly unknown[]): number[] {
  const found = serversAt(servers, namespace);
  return names.map((name) => found.reduce((sum, server) => sum + sizeOf(server, String(name)), 0));
}

/** Returns the server of a path. The paths of one route have rooms of their own. */
function serversAt(servers: NodeServers, namespace: string): readonly EnvelopeServer[] {
  return serversOf(servers, namespace).filter(({ name }) => name === namespace);
}

function sizeOf({ adapter }: EnvelopeServer, name: string): number {
  return numberOf(adapter.rooms.get(name)?.size);
}
