import { h } from '../dom.js';
import { filterForm } from './filter-form.js';
import { count, duration, rate } from './format.js';
import { PagedList } from './paged-list.js';
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

const TITLE = 'Refused by address';

/** Returns the view of the addresses whose requests to connect were refused, over all nodes. */
export function refusalsView(context, { query }) {
  const wanted = { order: 'rate', ...Object.fromEntries(query) };
  const { prefix = '', order } = wanted;
  // the figure that the bars show
  const figureOf = (row) => (order === 'rate' ? row.rate : row.count);
  return new PagedList({
    title: TITLE,
    context,
    filter: filterForm('refused', FIELDS, wanted),
    table: refusalsTable(context),
    load: (request) =>
      context.request('refusals', {
        ...request,
        ...(prefix !== '' && { prefix }),
        ...(order !== 'address' && { order }),
      }),
    rowsOf(rows) {
      const largest = Math.max(1, ...rows.map(figureOf));
      const now = Date.now();
      return rows.map((row) => ({ ...row, share: figureOf(row) / largest, now }));
    },
  });
}

function refusalsTable({ hello, actions }) {
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
    caption: TITLE,
    isCaptionHidden: true,
    isWide: true,
    // the button depends on both
    keyOf: ({ address, isShared }) => `${address} ${isShared}`,
    empty: 'No request to connect was refused, or none of an address that begins so.',
    columns: [
      { title: 'Address', text: refusedLabel, bar: ({ share }) => share },
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
