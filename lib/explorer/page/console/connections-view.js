import { filterForm } from './filter-form.js';
import { bytes, count, duration, rate } from './format.js';
import { listLayout } from './list-layout.js';
import { MissingNodes } from './missing-nodes.js';
import { Pager } from './pager.js';
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

/** The connections of all nodes, in pages, with a filter that is in the address of the page. */
export class ConnectionsView {
  title = 'Connections';
  #context;
  #query;
  #table;
  #missing = new MissingNodes();
  #pager;

  constructor(context, { query }) {
    this.#context = context;
    this.#query = Object.fromEntries([...query].filter(([, value]) => value !== ''));
    this.#table = connectionsTable(this.#query.order);
    this.#pager = new Pager({
      load: (request) => this.#load(request),
      show: (page) => this.#show(page),
      maxRows: context.hello.maxRows,
    });
    const { user, namespace, address } = this.#query;
    const { buttons } = context.actions;
    this.element = listLayout({
      title: this.title,
      buttons: [
        (user || address) && buttons.block({ address, user }),
        user && buttons.disconnectUser({ user, namespace }),
      ],
      filter: filterForm('connections', fieldsOf(context.watch.overview), this.#query),
      missing: this.#missing,
      table: this.#table,
      pager: this.#pager,
    });
  }

  close() {
    this.#pager.close();
  }

  /** Requests the page at once, after an action. */
  refresh() {
    this.#pager.refresh();
  }

  #load(request) {
    const { order, ...filter } = this.#query;
    return this.#context.request('connections', {
      ...request,
      filter,
      ...(ORDERS.has(order) && { order }),
    });
  }

  #show({ rows, nodes }) {
    const { overview } = this.#context.watch;
    const names = new Map(overview?.nodes.map(({ id, name }) => [id, name]));
    this.#missing.show(nodes, overview);
    const now = Date.now();
    this.#table.update(rows.map((row) => ({ ...row, nodeName: names.get(row.node) ?? row.node, now })));
  }
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
