import { h } from '../dom.js';
import { moment } from './format.js';
import { MissingNodes } from './missing-nodes.js';
import { Poll } from './poll.js';
import { Table } from './table.js';

const REFRESH = 5_000;
const TONES = { done: 'good', refused: 'warn', failed: 'bad' };

/** Who did what in the console. */
export class AuditView {
  title = 'Audit';
  #missing = new MissingNodes();
  #poll;
  #table = auditTable();

  constructor({ request, watch }) {
    this.element = h(
      'div',
      null,
      h('div', { class: 'title' }, h('h2', { tabindex: '-1' }, this.title)),
      this.#missing.element,
      h('section', { class: 'card stale', 'aria-label': 'List' }, this.#table.element),
    );
    this.#poll = new Poll(async () => {
      const { entries, nodes } = await request('audit');
      this.#missing.show(nodes, watch.overview);
      this.#table.update(entries);
    }, REFRESH);
    this.#poll.start();
  }

  close() {
    this.#poll.close();
  }
}

function auditTable() {
  return new Table({
    caption: 'Actions, the newest first',
    isWide: true,
    keyOf: ({ at, node, action, target }) => `${at} ${node} ${action} ${target}`,
    empty: 'No action since the nodes started.',
    columns: [
      { title: 'Time', text: ({ at }) => moment(at) },
      { title: 'Operator', text: ({ by }) => by ?? '–' },
      { title: 'Action', text: ({ action }) => action },
      { title: 'Path', text: ({ path }) => path ?? 'all' },
      { title: 'Target', text: ({ target }) => target ?? 'everybody' },
      { title: 'Details', text: ({ details }) => (details === '{}' ? '' : details), tone: () => 'code' },
      { title: 'Outcome', text: ({ outcome }) => outcome, tone: ({ outcome }) => TONES[outcome] },
      { title: 'Node', text: ({ node }) => node },
    ],
  });
}
