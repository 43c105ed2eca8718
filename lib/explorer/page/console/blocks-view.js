import { filterForm } from './filter-form.js';
import { count, duration, moment, plural } from './format.js';
import { listLayout } from './list-layout.js';
import { MissingNodes } from './missing-nodes.js';
import { Pager } from './pager.js';
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

/** The addresses and users that may not connect for a time, over all nodes. */
export class BlocksView {
  title = 'Blocks';
  #context;
  #query;
  #missing = new MissingNodes();
  #table;
  #pager;

  constructor(context, { query }) {
    this.#context = context;
    this.#query = Object.fromEntries([...query].filter(([, value]) => value !== ''));
    this.#table = blocksTable(context);
    this.#pager = new Pager({
      load: (request) => context.request('blocks', { ...request, ...this.#query }),
      show: (page) => this.#show(page),
      maxRows: context.hello.maxRows,
    });
    this.element = listLayout({
      title: this.title,
      buttons: [context.actions.buttons.block({})],
      filter: filterForm('blocks', FIELDS, this.#query),
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

  #show({ rows, nodes }) {
    const { overview } = this.#context.watch;
    const names = new Map(overview?.nodes.map(({ id, name }) => [id, name]));
    this.#missing.show(nodes, overview);
    const now = Date.now();
    this.#table.update(rows.map((row) => ({ ...row, where: whereOf(row, nodes.answered, names), now })));
  }
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
