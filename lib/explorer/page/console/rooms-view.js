import { filterForm } from './filter-form.js';
import { count } from './format.js';
import { listLayout } from './list-layout.js';
import { MissingNodes } from './missing-nodes.js';
import { Pager } from './pager.js';
import { routeTo } from './route.js';
import { Table } from './table.js';

/** The rooms of one path with their sizes, over all nodes. */
export class RoomsView {
  title = 'Rooms';
  #context;
  #query;
  #largest = 1;
  #missing = new MissingNodes();
  #table;
  #pager = undefined;

  constructor(context, { query }) {
    this.#context = context;
    const routes = context.watch.overview?.namespaces.map(({ route }) => route) ?? [];
    const { order = 'size', ...rest } = Object.fromEntries(query);
    this.#query = { namespace: routes[0] ?? '', ...rest, order };
    this.#table = this.#newTable();
    if (this.#query.namespace !== '')
      this.#pager = new Pager({
        load: (request) => this.#load(request),
        show: (page) => this.#show(page),
        maxRows: context.hello.maxRows,
      });
    const { namespace } = this.#query;
    this.element = listLayout({
      title: this.title,
      buttons: [context.actions.buttons.emit({ namespace })],
      filter: filterForm('rooms', fieldsOf(routes), this.#query),
      missing: this.#missing,
      table: this.#table,
      pager: this.#pager,
    });
  }

  close() {
    this.#pager?.close();
  }

  /** Requests the page at once, after an action. */
  refresh() {
    this.#pager?.refresh();
  }

  #load(request) {
    const { namespace, prefix = '', order } = this.#query;
    return this.#context.request('rooms', {
      ...request,
      namespace,
      ...(prefix !== '' && { prefix }),
      ...(order === 'size' && { order }),
    });
  }

  #show({ rows, nodes }) {
    this.#missing.show(nodes, this.#context.watch.overview);
    this.#largest = Math.max(1, ...rows.map(({ size }) => size));
    this.#table.update(rows);
  }

  #newTable() {
    const { namespace } = this.#query;
    return new Table({
      caption: 'Rooms',
      isCaptionHidden: true,
      keyOf: ({ name }) => name,
      empty: 'No room, or none whose name begins so.',
      columns: [
        {
          title: 'Room',
          text: ({ name }) => name,
          href: ({ name }) => routeTo('connections', [], { namespace, room: name }),
          bar: ({ size }) => size / this.#largest,
        },
        { title: 'Members', text: ({ size }) => count(size), isEnd: true },
      ],
    });
  }
}

function fieldsOf(routes) {
  return [
    { name: 'namespace', label: 'Path', list: routes },
    { name: 'prefix', label: 'Name begins with' },
    {
      name: 'order',
      label: 'Order',
      choices: [
        ['size', 'largest first'],
        ['name', 'by name'],
      ],
    },
  ];
}
