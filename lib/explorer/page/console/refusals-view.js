import { h } from '../dom.js';
import { filterForm } from './filter-form.js';
import { count, duration, rate } from './format.js';
import { listLayout } from './list-layout.js';
import { MissingNodes } from './missing-nodes.js';
import { Pager } from './pager.js';
import { MANY_REFUSALS, refusalLabel, refusedLabel } from './refusal-reasons.js';
import { Table } from './table.js';

const FIELDS = [
  { name: 'prefix', label: 'Address begins with' },
  {
    name: 'order',
    label: 'Order',
    choices: [
      ['rate', 'by rate'],
      ['count', 'by number'],
      ['address', 'by address'],
    ],
  },
];

/** The addresses whose requests to connect were refused, over all nodes. */
export class RefusalsView {
  title = 'Refused by address';
  #context;
  #query;
  #largest = 1;
  #missing = new MissingNodes();
  #table;
  #pager;

  constructor(context, { query }) {
    this.#context = context;
    const { order = 'rate', ...rest } = Object.fromEntries(query);
    this.#query = { ...rest, order };
    this.#table = this.#newTable();
    this.#pager = new Pager({
      load: (request) => this.#load(request),
      show: (page) => this.#show(page),
      maxRows: context.hello.maxRows,
    });
    this.element = listLayout({
      title: this.title,
      buttons: [],
      filter: filterForm('refused', FIELDS, this.#query),
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
    const { prefix = '', order } = this.#query;
    return this.#context.request('refusals', {
      ...request,
      ...(prefix !== '' && { prefix }),
      ...(order !== 'address' && { order }),
    });
  }

  #show({ rows, nodes }) {
    this.#missing.show(nodes, this.#context.watch.overview);
    this.#largest = Math.max(1, ...rows.map((row) => this.#figureOf(row)));
    const now = Date.now();
    this.#table.update(rows.map((row) => ({ ...row, now })));
  }

  /** The figure that the bars show: that of the order. */
  #figureOf(row) {
    return this.#query.order === 'rate' ? row.rate : row.count;
  }

  #newTable() {
    const { hello, actions } = this.#context;
    const block = {
      title: 'Action',
      isEnd: true,
      control: ({ address, isShared }) => {
        // a block of a proxy would keep all of its clients out
        if (address === '' || isShared) return h('span', { class: 'soft' }, '–');
        const button = actions.buttons.block({ address });
        button.setAttribute('aria-label', `Block the address ${address}`);
        return button;
      },
    };
    return new Table({
      caption: this.title,
      isCaptionHidden: true,
      isWide: true,
      // the button depends on both
      keyOf: ({ address, isShared }) => `${address} ${isShared}`,
      empty: 'No request to connect was refused, or none of an address that begins so.',
      columns: [
        {
          title: 'Address',
          text: refusedLabel,
          bar: (row) => this.#figureOf(row) / this.#largest,
        },
        {
          title: 'Refused /s',
          text: (row) => rate(row.rate),
          tone: (row) => (row.rate >= MANY_REFUSALS ? 'bad' : row.rate === 0 ? 'soft' : ''),
          isEnd: true,
        },
        { title: 'All', text: (row) => count(row.count), isEnd: true },
        { title: 'Since', text: ({ since, now }) => `${duration(now - since)} ago`, isEnd: true },
        { title: 'Last', text: ({ last, now }) => `${duration(now - last)} ago`, isEnd: true },
        { title: 'Why the last one', text: ({ reason }) => refusalLabel(reason) },
        ...(hello.readOnly ? [] : [block]),
      ],
    });
  }
}
