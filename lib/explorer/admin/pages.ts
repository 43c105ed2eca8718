import { blockKey, MAX_BLOCK_NAME, MAX_BLOCK_TEXT, readBlockQuery, type KnownBlock } from './block-list.js';
import { fieldsOf, numberOf, recordsOf, textOf, type Fields } from './checked-values.js';
import { MAX_ROWS, readConnectionQuery, type ConnectionQuery } from './connection-list.js';
import type { Answers, Peers } from './peers.js';
import {
  addRefusals,
  COMPARE,
  MAX_ADDRESS,
  readRefusalQuery,
  refusalKey,
  type RefusalQuery,
} from './refusal-list.js';
import { readRoomQuery } from './room-list.js';
import { compareText } from './top-list.js';
import type {
  BlocksPage,
  BlockView,
  ConnectionsPage,
  ConnectionView,
  Nodes,
  RefusalsPage,
  RefusalView,
  RoomsPage,
  RoomView,
} from './views.js';

/** Nodes up to which each of them is asked for a whole page. */
const FEW_NODES = 4;
/** The least number of rows that a node is asked for. */
const LEAST_ROWS = 20;
/** Rooms whose sizes are asked for at once. */
const MAX_SIZES = 400;
/** Nodes that a row of the blocks names. */
const MAX_MISSING = 20;
/** Characters of the reason of a refusal. */
const MAX_REASON = 64;

/** The rows of one node, checked. */
interface Part<Row> {
  readonly rows: readonly Row[];
  readonly more: boolean;
}

/** A block, with the nodes that know it. */
interface SharedBlock extends KnownBlock {
  readonly holders: readonly string[];
}

/** Makes pages of the lists of all nodes. A list of all connections is never made, on no node. */
export class Pages {
  constructor(private readonly peers: Peers) {}

  /** Resolves with a page of connections. @throws (rejects) WsException on a malformed request */
  async connections(data: unknown): Promise<ConnectionsPage> {
    const query = readConnectionQuery(data);
    const { limit, node, order } = query;
    // ids are random, so the first rows of the page are spread over the nodes
    const count = this.peers.known().filter(({ isSilent }) => !isSilent).length + 1;
    const each =
      order !== 'id' || count <= FEW_NODES
        ? limit
        : Math.min(limit, Math.max(LEAST_ROWS, Math.ceil((2 * limit) / count)));
    const answers =
      node === undefined
        ? await this.peers.askAll('connections', { ...Object(data), limit: each })
        : await this.askOnly(node, 'connections', data);
    const parts = [...answers.values].map(([id, value]) => partOf(value, (row) => toConnection(row, id)));
    const total = hasTotal(query) && {
      total: [...answers.values.values()].reduce<number>(
        (sum, part) => sum + numberOf(fieldsOf(part)['total']),
        0,
      ),
    };
    if (order !== 'id') {
      const figureOf = (row: ConnectionView): number => (order === 'rate' ? (row.rate ?? 0) : row.buffered);
      const rows = parts.flatMap((part) => part.rows).sort((a, b) => figureOf(b) - figureOf(a));
      return { rows: rows.slice(0, limit), ...total, nodes: answers.nodes };
    }
    const { rows, cursor } = mergeParts(parts, limit, ({ id }) => id);
    return { rows, ...(cursor !== undefined && { cursor }), ...total, nodes: answers.nodes };
  }

  /** Resolves with a page of rooms. @throws (rejects) WsException on a malformed request */
  async rooms(data: unknown): Promise<RoomsPage> {
    const query = readRoomQuery(data);
    const answers = await this.peers.askAll('rooms', data);
    const parts = [...answers.values.values()].map((value) => partOf(value, toRoom));
    if (query.order === 'size') return this.largestRooms(query.namespace, query.limit, parts);
    const { rows, cursor } = mergeParts(parts, query.limit, ({ name }) => name, addSizes);
    return { rows, ...(cursor !== undefined && { cursor }), nodes: answers.nodes };
  }

  /** Resolves with a page of blocks. @throws (rejects) WsException on a malformed request */
  async blocks(data: unknown): Promise<BlocksPage> {
    const { limit } = readBlockQuery(data);
    const { values, nodes } = await this.peers.askAll('blocks', data);
    const parts = [...values].map(([id, value]) => partOf(value, (row) => toBlock(row, id)));
    const { rows, cursor } = mergeParts(parts, limit, blockKey, addHolders);
    const answered = [...values.keys()];
    return {
      rows: rows.map((row) => viewBlock(row, answered)),
      ...(cursor !== undefined && { cursor }),
      nodes,
    };
  }

  /** Resolves with a page of refused addresses. @throws (rejects) WsException on a malformed request */
  async refusals(data: unknown): Promise<RefusalsPage> {
    const { limit, order } = readRefusalQuery(data);
    const { values, nodes } = await this.peers.askAll('refusals', data);
    const parts = [...values.values()].map((value) => partOf(value, toRefusal));
    if (order !== 'address') return this.mostRefused(parts, order, limit, nodes);
    const { rows, cursor } = mergeParts(parts, limit, refusalKey, addRefusals);
    return { rows, ...(cursor !== undefined && { cursor }), nodes };
  }

  /** The most refused addresses of each node, with what all nodes know of them. */
  private async mostRefused(
    parts: readonly Part<RefusalView>[],
    order: RefusalQuery['order'],
    limit: number,
    nodes: Nodes,
  ): Promise<RefusalsPage> {
    const rows = mergeRefusals(parts).sort(COMPARE[order]);
    if (parts.length === 1) return { rows: rows.slice(0, limit), nodes };
    const addresses = rows.slice(0, MAX_ROWS).map(({ address }) => address);
    const all = await this.peers.askAll('refusalsOf', { addresses });
    const sums = mergeRefusals([...all.values.values()].map((value) => partOf(value, toRefusal)));
    return { rows: sums.sort(COMPARE[order]).slice(0, limit), nodes: all.nodes };
  }

  /** The largest rooms of each node, with their sizes on all nodes. */
  private async largestRooms(
    namespace: string,
    limit: number,
    parts: readonly Part<RoomView>[],
  ): Promise<RoomsPage> {
    const names = [...new Set(parts.flatMap(({ rows }) => rows.map(({ name }) => name)))].slice(0, MAX_SIZES);
    const { values, nodes } = await this.peers.askAll('roomSizes', { namespace, names });
    const lists = [...values.values()].map((value): readonly unknown[] =>
      Array.isArray(value) ? value : [],
    );
    const rows = names.map((name, index) => ({
      name,
      size: lists.reduce((sum, sizes) => sum + numberOf(sizes[index]), 0),
    }));
    rows.sort((a, b) => b.size - a.size || compareText(a.name, b.name));
    return { rows: rows.slice(0, limit), nodes };
  }

  private async askOnly(node: string, operation: string, data: unknown): Promise<Answers> {
    const value = await this.peers.askOne(node, operation, data);
    return { values: new Map([[node, value]]), nodes: { answered: 1, silent: [], unknown: 0 } };
  }
}

/** Whether the nodes' numbers of connections are those of the request. */
function hasTotal({ user, address, room, kind, id }: ConnectionQuery): boolean {
  return [user, address, room, kind, id].every((filter) => filter === undefined);
}

/**
 * Merges the ordered rows of several nodes into one page. A node that has more rows has told none beyond its last one, so the page
 * ends there at the latest.
 *
 * @param merge makes one row of two with the same key
 */
function mergeParts<Row>(
  parts: readonly Part<Row>[],
  limit: number,
  keyOf: (row: Row) => string,
  merge: (a: Row, b: Row) => Row = (a) => a,
): { rows: Row[]; cursor: string | undefined } {
  const ends = parts
    .filter(({ more, rows }) => more && rows.length > 0)
    .map(({ rows }) => keyOf(rows.at(-1)!));
  const end = ends.sort(compareText)[0];
  const byKey = new Map<string, Row>();
  let isCut = end !== undefined;
  for (const row of parts.flatMap(({ rows }) => rows)) {
    const key = keyOf(row);
    if (end !== undefined && key > end) continue;
    const before = byKey.get(key);
    byKey.set(key, before === undefined ? row : merge(before, row));
  }
  const keys = [...byKey.keys()].sort(compareText);
  if (keys.length > limit) isCut = true;
  const shown = keys.slice(0, limit);
  return { rows: shown.map((key) => byKey.get(key)!), cursor: isCut ? shown.at(-1) : undefined };
}

/** Returns one row for each address that one of the nodes has told. */
function mergeRefusals(parts: readonly Part<RefusalView>[]): RefusalView[] {
  const told = parts.map(({ rows }) => ({ rows, more: false }));
  return mergeParts(told, Infinity, refusalKey, addRefusals).rows;
}

function addSizes(a: RoomView, b: RoomView): RoomView {
  return { name: a.name, size: a.size + b.size };
}

/** Each node has the latest decision that reached it. Where they differ, the client is kept out until the last of them ends. */
function addHolders(a: SharedBlock, b: SharedBlock): SharedBlock {
  return { ...(a.until >= b.until ? a : b), holders: [...a.holders, ...b.holders] };
}

function viewBlock({ holders, ...block }: SharedBlock, answered: readonly string[]): BlockView {
  const missing = answered.filter((id) => !holders.includes(id)).slice(0, MAX_MISSING);
  return { ...block, node: holders[0]!, nodes: holders.length, missing };
}

function partOf<Row>(value: unknown, toRow: (row: Fields) => Row): Part<Row> {
  const part = fieldsOf(value);
  return { rows: recordsOf(part['rows'], MAX_ROWS).map(toRow), more: part['more'] === true };
}

function toRoom(row: Fields): RoomView {
  return { name: textOf(row['name'], 1_000), size: numberOf(row['size']) };
}

function toRefusal(row: Fields): RefusalView {
  return {
    address: textOf(row['address'], MAX_ADDRESS),
    isShared: row['isShared'] === true,
    count: numberOf(row['count']),
    rate: numberOf(row['rate']),
    since: numberOf(row['since']),
    last: numberOf(row['last']),
    reason: textOf(row['reason'], MAX_REASON),
  };
}

/** @param node the node that knows it */
function toBlock(row: Fields, node: string): SharedBlock {
  const { kind, by, reason } = row;
  return {
    kind: kind === 'user' ? 'user' : 'address',
    name: textOf(row['name'], MAX_BLOCK_NAME),
    until: numberOf(row['until']),
    ...(typeof by === 'string' && { by: textOf(by, MAX_BLOCK_TEXT) }),
    ...(typeof reason === 'string' && { reason: textOf(reason, MAX_BLOCK_TEXT) }),
    holders: [node],
  };
}

/** @param node the node that the row came from: a row cannot name another */
function toConnection(row: Fields, node: string): ConnectionView {
  const { user, kind, rate } = row;
  return {
    node,
    id: textOf(row['id'], 64),
    namespace: textOf(row['namespace'], 1_000),
    route: textOf(row['route'], 1_000),
    ...(typeof user === 'string' && { user: textOf(user, 256) }),
    address: textOf(row['address'], 64),
    kind: kind === 'msgpack' || kind === 'socket.io' ? kind : 'json',
    transport: textOf(row['transport'], 64),
    connectedAt: numberOf(row['connectedAt']),
    rooms: numberOf(row['rooms']),
    buffered: numberOf(row['buffered']),
    recovered: row['recovered'] === true,
    ...(rate !== undefined && { rate: numberOf(rate) }),
  };
}
