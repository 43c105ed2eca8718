import { user as userRoom } from '../../server/handshake/user-name.js';
import type { EnvelopeServer } from '../../server/namespace/envelope-server.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import {
  choice,
  requestFields,
  requiredText,
  optionalText,
  wholeNumber,
  type Fields,
} from './checked-values.js';
import type { ConnectionRates } from './connection-rates.js';
import { serversOf, visitAll, type NodeServers } from './node-servers.js';
import { compareText, TopList } from './top-list.js';
import type { ClientKind, ConnectionDetail, ConnectionView } from './views.js';

/** The largest number of rows in a page, and that of a request that names none. */
export const MAX_ROWS = 100;
const DEFAULT_ROWS = 50;
/** Rooms in the details of a connection. */
const MAX_ROOM_NAMES = 200;
/** Characters of a text that a client or the application chose. */
export const MAX_TEXT = 256;

const KINDS: readonly ClientKind[] = ['json', 'msgpack', 'socket.io'];

/** A request for connections, checked. */
export interface ConnectionQuery {
  readonly after: string;
  readonly limit: number;
  readonly order: 'id' | 'buffered' | 'rate';
  readonly namespace: string | undefined;
  readonly user: string | undefined;
  readonly address: string | undefined;
  readonly room: string | undefined;
  readonly kind: ClientKind | undefined;
  readonly node: string | undefined;
  readonly id: string | undefined;
}

/** The connections of one node: a part of a page. */
export interface ConnectionPart {
  readonly rows: readonly ConnectionView[];
  /** Whether the node has further connections that fulfil the request. */
  readonly more: boolean;
  /** Connections of the namespace. */
  readonly total: number;
}

/** Reads a request of an admin. @throws WsException on an unknown or malformed field */
export function readConnectionQuery(data: unknown): ConnectionQuery {
  const fields = requestFields(data, ['cursor', 'limit', 'order', 'filter']);
  const filter = requestFields(
    fields['filter'],
    ['namespace', 'user', 'address', 'room', 'kind', 'node', 'id'],
    'filter',
  );
  return {
    after: optionalText(fields, 'cursor', 64) ?? '',
    limit: limitOf(fields),
    order: choice(fields, 'order', ['id', 'buffered', 'rate'] as const) ?? 'id',
    namespace: optionalText(filter, 'namespace', 1_000),
    user: optionalText(filter, 'user', 1_000),
    address: optionalText(filter, 'address', 64),
    room: optionalText(filter, 'room', 1_000),
    kind: choice(filter, 'kind', KINDS),
    node: optionalText(filter, 'node', 64),
    id: optionalText(filter, 'id', 64),
  };
}

/** Returns the number of rows that a request asks for. @throws WsException on a number out of range */
export function limitOf(fields: Fields): number {
  return wholeNumber(fields, 'limit', 1, MAX_ROWS, DEFAULT_ROWS);
}

/** Returns the first connections of this node in the order of a request. Visits all, but describes only those. */
export async function listConnections(
  servers: NodeServers,
  node: string,
  query: ConnectionQuery,
  rates: ConnectionRates,
): Promise<ConnectionPart> {
  const { after, limit, order } = query;
  if (order === 'rate') rates.watch();
  const figureOf = (socket: EnvelopeSocket): number =>
    order === 'rate' ? (rates.of(socket) ?? 0) : socket.bufferedAmount;
  const first = new TopList<EnvelopeSocket>(
    // one more tells whether there are more
    limit + 1,
    order === 'id' ? byId : (a, b) => figureOf(b) - figureOf(a) || byId(a, b),
  );
  const found = serversOf(servers, query.namespace);
  for (const server of found)
    await visitAll(candidates(server, query), (socket) => {
      if (order === 'id' && socket.id <= after) return;
      if (first.takes(socket) && matches(socket, query)) first.add(socket);
    });
  const rows = first.all.filter(({ connected }) => connected);
  return {
    rows: rows.slice(0, limit).map((socket) => {
      const rate = order === 'rate' ? rates.of(socket) : undefined;
      return { ...viewConnection(socket, node), ...(rate !== undefined && { rate }) };
    }),
    more: first.all.length > limit,
    total: found.reduce((sum, { sockets }) => sum + sockets.size, 0),
  };
}

function byId(a: EnvelopeSocket, b: EnvelopeSocket): number {
  return a.id < b.id ? -1 : 1;
}

/** Yields the connections among which those of a request are: the members of its room, those of its user, or all. */
function* candidates(
  { adapter, sockets }: EnvelopeServer,
  { room, user }: ConnectionQuery,
): Iterable<EnvelopeSocket> {
  if (room === undefined && user === undefined) return yield* sockets.values();
  const ids = adapter.rooms.get(room ?? userRoom(user)) ?? [];
  for (const id of ids) {
    const socket = sockets.get(id);
    if (socket !== undefined) yield socket;
  }
}

function matches(socket: EnvelopeSocket, { user, address, kind, id }: ConnectionQuery): boolean {
  return (
    (id === undefined || socket.id.startsWith(id)) &&
    (kind === undefined || kindOf(socket) === kind) &&
    (user === undefined || userOf(socket) === user) &&
    (address === undefined || socket.ip.startsWith(address))
  );
}

/** Returns how messages look on a connection. */
function kindOf({ _connection: { encoding } }: EnvelopeSocket): ClientKind {
  if (encoding.protocol === 'socket.io') return 'socket.io';
  return encoding.isJson ? 'json' : 'msgpack';
}

/** Returns the name of a client's user, as the room of the user has it. */
export function userOf({ _userRoom: room }: EnvelopeSocket): string | undefined {
  return room?.slice(PREFIX);
}

const PREFIX = userRoom('x').length - 1;

/** Returns the row of a connection. */
export function viewConnection(socket: EnvelopeSocket, node: string): ConnectionView {
  const { id, nsp, ip, rooms, bufferedAmount, recovered } = socket;
  const user = userOf(socket)?.slice(0, MAX_TEXT);
  return {
    node,
    id,
    namespace: nsp.name.slice(0, 1_000),
    route: nsp.route,
    ...(user !== undefined && { user }),
    address: ip,
    kind: kindOf(socket),
    transport: socket._connection.transportName,
    connectedAt: Date.now() - socket._upgrade.age,
    rooms: Math.max(0, rooms.size - 1),
    buffered: bufferedAmount,
    recovered,
  };
}

/** Returns what is known about one connection. */
export function viewDetails(socket: EnvelopeSocket, node: string, nodeName: string): ConnectionDetail {
  const { expiresAt, headers, requestId, protocol } = socket;
  const names = new TopList<string>(MAX_ROOM_NAMES, compareText);
  for (const room of socket.rooms) if (room !== socket.id) names.add(String(room));
  const { origin, 'user-agent': userAgent } = headers;
  return {
    ...viewConnection(socket, node),
    nodeName,
    roomNames: names.all.map((name) => name.slice(0, MAX_TEXT)),
    requestId: requestId.slice(0, MAX_TEXT),
    ...(userAgent !== undefined && { userAgent: userAgent.slice(0, MAX_TEXT) }),
    ...(origin !== undefined && { origin: origin.slice(0, MAX_TEXT) }),
    protocol,
    ...(expiresAt !== undefined && { expiresAt }),
    inFlight: socket._requestsIfAny?.inFlight ?? 0,
  };
}

/** Reads which connection a request is about. @throws WsException */
export function readAddress(
  data: unknown,
  others: readonly string[] = [],
): Fields & { node: string; id: string } {
  const fields = requestFields(data, ['node', 'id', ...others]);
  return { ...fields, node: requiredText(fields, 'node', 64), id: requiredText(fields, 'id', 64) };
}
