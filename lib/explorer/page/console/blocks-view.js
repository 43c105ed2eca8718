import { filterForm } from './filter-form.js';
import { count, duration, moment, plural } from './format.js';
import { PagedList } from './paged-list.js';
import { Table } from './table.js';

const FIELDS = [
  {
    name: 'kind',
    label: 'Blocked',
    choices: [
      ['', 'addresses and users'],
      ['address', 'addresses'],
      ['user', 'users'],
    ],
  },
  { name: 'prefix', label: 'Name begins with' },
];

/** Returns the view of the addresses and users that may not connect for a time, over all nodes. */
export function blocksView(context, { query }) {
  const { watch, actions } = context;
  const filter = Object.fromEntries([...query].filter(([, value]) => value !== ''));
  return new PagedList({
    title: 'Blocks',
    context,
    buttons: [actions.buttons.block({})],
    filter: filterForm('blocks', FIELDS, filter),
    table: blocksTable(context),
    load: (request) => context.request('blocks', { ...request, ...filter }),
    rowsOf(rows, { answered }) {
      const names = new Map(watch.overview?.nodes.map(({ id, name }) => [id, name]));
      const now = Date.now();
      return rows.map((row) => ({ ...row, where: whereOf(row, answered, names), now }));
    },
  });
}

/** Says on which nodes a block holds. */
function whereOf({ nodes, missing }, answered, names) {
  if (missing.length === 0) return answered === 1 ? 'this one' : `all ${count(answered)}`;
  const shown = missing.map((id) => names.get(id) ?? id).join(', ');
  const more = answered - nodes - missing.length;
  return `not on ${shown}${more > 0 ? ` and ${plural(more, 'other')}` : ''}`;
}

function blocksTable({ hello, actions }) {
  const lift = {
    title: 'Action',
    isEnd: true,
    control: (row) => {
      const button = actions.buttons.unblock(row);
      button.setAttribute('aria-label', `Lift the block of the ${row.kind} ${row.name}`);
      return button;
    },
  };
  return new Table({
    caption: 'Blocks',
    isCaptionHidden: true,
    isWide: true,
    // the button asks that node
    keyOf: ({ kind, name, node }) => `${kind} ${name} ${node}`,
    empty: 'Nobody is blocked, or nobody that the filter lets through.',
    columns: [
      { title: 'Blocked', text: ({ kind, name }) => `${kind} ${name}` },
      { title: 'Until', text: ({ until, now }) => `${moment(until)}, for ${duration(until - now)}` },
      { title: 'Reason', text: ({ reason }) => reason ?? '–', tone: ({ reason }) => (reason ? '' : 'soft') },
      { title: 'Operator', text: ({ by }) => by ?? '–', tone: ({ by }) => (by ? '' : 'soft') },
      {
        title: 'Nodes',
        text: ({ where }) => where,
        tone: ({ missing }) => (missing.length > 0 ? 'warn' : ''),
      },
      ...(hello.readOnly ? [] : [lift]),
    ],
  });
}
