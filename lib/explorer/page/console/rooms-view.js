import { filterForm } from './filter-form.js';
import { count } from './format.js';
import { PagedList } from './paged-list.js';
import { routeTo } from './route.js';
import { Table } from './table.js';

/** Returns the view of the rooms of one path with their sizes, over all nodes. */
export function roomsView(context, { query }) {
  const routes = context.watch.overview?.namespaces.map(({ route }) => route) ?? [];
  const wanted = { namespace: routes[0] ?? '', order: 'size', ...Object.fromEntries(query) };
  const { namespace, prefix = '', order } = wanted;
  const load = (request) =>
    context.request('rooms', {
      ...request,
      namespace,
      ...(prefix !== '' && { prefix }),
      ...(order === 'size' && { order }),
    });
  return new PagedList({
    title: 'Rooms',
    context,
    buttons: [context.actions.buttons.emit({ namespace })],
    filter: filterForm('rooms', fieldsOf(routes), wanted),
    table: roomsTable(namespace),
    load: namespace === '' ? undefined : load,
    rowsOf(rows) {
      const largest = Math.max(1, ...rows.map(({ size }) => size));
      return rows.map((row) => ({ ...row, share: row.size / largest }));
    },
  });
}

function roomsTable(namespace) {
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
        bar: ({ share }) => share,
      },
      { title: 'Members', text: ({ size }) => count(size), isEnd: true },
    ],
  });
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
