import { filterForm } from './filter-form.js';
import { bytes, count, duration, rate } from './format.js';
import { PagedList } from './paged-list.js';
import { routeTo } from './route.js';
import { Table } from './table.js';

/** The names of the kinds of clients. */
export const KINDS = { json: 'JSON', msgpack: 'MessagePack', 'socket.io': 'Socket.IO' };
/** Orders other than that of pages, with their names. */
const ORDERS = new Map([
  ['buffered', 'slow readers first'],
  ['rate', 'busiest first'],
]);
/** Bytes from which a client counts as a slow reader. */
const SLOW = 64 * 1024;

/** Returns the view of the connections of all nodes, in pages, with a filter that is in the address of the page. */
export function connectionsView(context, { query }) {
  const { watch, actions } = context;
  const wanted = Object.fromEntries([...query].filter(([, value]) => value !== ''));
  const { order, ...filter } = wanted;
  const { user, namespace, address } = filter;
  return new PagedList({
    title: 'Connections',
    context,
    buttons: [
      (user || address) && actions.buttons.block({ address, user }),
      user && actions.buttons.disconnectUser({ user, namespace }),
    ],
    filter: filterForm('connections', fieldsOf(watch.overview), wanted),
    table: connectionsTable(order),
    load: (request) =>
      context.request('connections', { ...request, filter, ...(ORDERS.has(order) && { order }) }),
    rowsOf(rows) {
      const names = new Map(watch.overview?.nodes.map(({ id, name }) => [id, name]));
      const now = Date.now();
      return rows.map((row) => ({ ...row, nodeName: names.get(row.node) ?? row.node, now }));
    },
  });
}

function fieldsOf(overview) {
  const nodes = overview?.nodes.map(({ id, name }) => [id, name]) ?? [];
  return [
    { name: 'namespace', label: 'Namespace', list: overview?.namespaces.map(({ route }) => route) ?? [] },
    { name: 'user', label: 'User' },
    { name: 'address', label: 'Address begins with' },
    { name: 'room', label: 'Room' },
    { name: 'id', label: 'Id begins with' },
    { name: 'kind', label: 'Client', choices: [['', 'any'], ...Object.entries(KINDS)] },
    { name: 'node', label: 'Node', choices: [['', 'any'], ...nodes] },
    {
      name: 'order',
      label: 'Order',
      choices: [['', 'by id'], ...ORDERS],
    },
  ];
}

function connectionsTable(order) {
  const received = { title: 'Received /s', text: (row) => rate(row.rate), isEnd: true };
  return new Table({
    caption: 'Connections',
    isCaptionHidden: true,
    isWide: true,
    keyOf: ({ node, id }) => `${node} ${id}`,
    empty: 'No connection, or none that the filter lets through.',
    columns: [
      {
        title: 'Id',
        text: ({ id }) => id,
        href: ({ node, id }) => routeTo('connections', [node, id]),
        tone: () => 'code',
      },
      {
        title: 'User',
        text: ({ user }) => user ?? '–',
        tone: ({ user }) => (user === undefined ? 'soft' : ''),
      },
      { title: 'Namespace', text: ({ namespace }) => namespace },
      { title: 'Address', text: ({ address }) => address },
      { title: 'Client', text: ({ kind }) => KINDS[kind] ?? kind },
      ...(order === 'rate' ? [received] : []),
      { title: 'Rooms', text: ({ rooms }) => count(rooms), isEnd: true },
      {
        title: 'Waiting',
        text: ({ buffered }) => bytes(buffered),
        tone: ({ buffered }) => (buffered >= SLOW ? 'warn' : ''),
        isEnd: true,
      },
      { title: 'For', text: ({ connectedAt, now }) => duration(now - connectedAt), isEnd: true },
      { title: 'Node', text: ({ nodeName }) => nodeName },
    ],
  });
}
