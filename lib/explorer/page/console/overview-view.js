import { h } from '../dom.js';
import { bytes, count, duration, plural, rate } from './format.js';
import { countTables } from './count-tables.js';
import { problemsOf } from './problems.js';
import { routeTo } from './route.js';
import { Sparkline } from './sparkline.js';
import { Table } from './table.js';

/** The figures with a chart: `{ of, title, show, unit }`. */
const FIGURES = [
  { of: 'connections', title: 'Connections', show: count },
  { of: 'received', title: 'Messages received', show: rate, unit: '/s' },
  { of: 'sent', title: 'Events sent', show: rate, unit: '/s' },
  { of: 'receivedBytes', title: 'Bytes received', show: bytes, unit: '/s' },
  { of: 'opened', title: 'Opened', show: rate, unit: '/s' },
  { of: 'closed', title: 'Closed', show: rate, unit: '/s' },
  { of: 'refused', title: 'Refused', show: rate, unit: '/s' },
  { of: 'buffered', title: 'Waiting to be sent', show: bytes },
];

const BROKER = {
  alone: ['none', 'soft'],
  connected: ['connected', 'good'],
  away: ['does not answer', 'bad'],
};

/** All nodes at a glance: problems, figures, nodes, namespaces, and what was counted. */
export class OverviewView {
  title = 'Overview';
  #watch;
  #figures = FIGURES.map((figure) => newFigure(figure));
  #problems = h('ul', { class: 'problems', 'aria-label': 'Problems', hidden: true });
  #nodes = nodesTable();
  #namespaces = namespacesTable();
  #more = h('p', { class: 'empty', hidden: true });
  #counts;
  #show = () => this.#update();

  constructor({ watch }) {
    this.#watch = watch;
    this.#counts = countTables(watch);
    this.element = h(
      'div',
      null,
      h('div', { class: 'title' }, h('h2', { tabindex: '-1' }, this.title)),
      this.#problems,
      h(
        'div',
        { class: 'stale' },
        h(
          'dl',
          { class: 'figures' },
          this.#figures.map(({ element }) => element),
        ),
        h(
          'div',
          { class: 'cards' },
          h('section', { class: 'card full' }, this.#nodes.element),
          h('section', { class: 'card full' }, this.#namespaces.element, this.#more),
          this.#counts.map(({ element }) => h('section', { class: 'card' }, element)),
        ),
      ),
    );
    watch.addEventListener('overview', this.#show);
    this.#update();
  }

  close() {
    this.#watch.removeEventListener('overview', this.#show);
  }

  #update() {
    const { overview, history, refused } = this.#watch;
    if (overview === undefined) return;
    for (const figure of this.#figures) figure.update(history);
    this.#showProblems(problemsOf(overview, refused));
    this.#nodes.update(overview.nodes.map((node) => ({ ...node, at: overview.at })));
    this.#namespaces.update(overview.namespaces);
    this.#more.hidden = overview.moreNamespaces === 0;
    this.#more.textContent = `${plural(overview.moreNamespaces, 'more namespace')} not shown`;
    for (const table of this.#counts) table.update(overview.counts);
  }

  #showProblems(problems) {
    this.#problems.hidden = problems.length === 0;
    const shown = [...this.#problems.children].map((row) => row.dataset.text);
    if (shown.join('\n') === problems.map(({ text }) => text).join('\n')) return;
    this.#problems.replaceChildren(
      ...problems.map(({ text, isBad, href }) =>
        h(
          'li',
          { class: isBad && 'bad', 'data-text': text },
          text,
          href !== undefined && [' ', h('a', { href }, 'Show them')],
        ),
      ),
    );
  }
}

function newFigure({ of, title, show, unit = '' }) {
  const chart = new Sparkline();
  const value = h('b', null, '–');
  const peak = h('small', { class: 'peak' });
  const element = h(
    'div',
    { class: 'figure card', 'data-figure': of },
    h('dt', null, title),
    h('dd', null, value, unit !== '' && h('small', null, unit), peak, chart.element),
  );
  const update = (history) => {
    const values = history.map((figures) => figures[of]);
    value.textContent = show(values.at(-1));
    const known = values.filter((one) => one !== undefined);
    peak.textContent = known.length > 1 ? `peak ${show(Math.max(...known))}` : '';
    chart.update(values);
  };
  return { element, update };
}

const live = (of) => (node) => (node.state === 'live' ? of(node) : '–');

function nodesTable() {
  return new Table({
    caption: 'Nodes',
    isWide: true,
    keyOf: ({ id }) => id,
    empty: 'No node has answered yet.',
    columns: [
      { title: 'Node', text: ({ name, isThis }) => (isThis ? `${name} (this page)` : name) },
      {
        title: 'State',
        text: ({ state, seenAt, at, isDraining, readOnly }) =>
          state === 'live'
            ? [isDraining ? 'drains' : 'answers', readOnly && 'read-only'].filter(Boolean).join(', ')
            : `no answer for ${duration(at - seenAt)}`,
        tone: ({ state, isDraining }) => (state !== 'live' ? 'bad' : isDraining ? 'warn' : 'good'),
      },
      {
        title: 'Connections',
        text: ({ connections }) => count(connections),
        href: ({ state, id, connections }) =>
          state === 'live' && connections > 0 ? routeTo('connections', [], { node: id }) : undefined,
        tone: ({ state }) => (state === 'live' ? '' : 'soft'),
        isEnd: true,
      },
      {
        title: 'Broker',
        text: live(({ broker }) =>
          broker.state === 'connected' ? plural(broker.nodes, 'node') : (BROKER[broker.state]?.[0] ?? '–'),
        ),
        tone: ({ state, broker }) => (state === 'live' ? BROKER[broker.state]?.[1] : 'soft'),
      },
      {
        title: 'Busy',
        text: live(({ load }) => `${Math.round(100 * load)} %`),
        tone: ({ load, state }) => (state === 'live' && load >= 0.9 ? 'bad' : ''),
        isEnd: true,
      },
      { title: 'Memory', text: live(({ rss }) => bytes(rss)), isEnd: true },
      { title: 'Heap', text: live(({ heap }) => bytes(heap)), isEnd: true },
      { title: 'Up for', text: live(({ startedAt, at }) => duration(at - startedAt)), isEnd: true },
      { title: 'Admins', text: live(({ admins }) => count(admins)), isEnd: true },
    ],
  });
}

function namespacesTable() {
  const perSecond = (of) => (row) => (row.rates === undefined ? '–' : rate(row.rates[of]));
  return new Table({
    caption: 'Namespaces',
    isWide: true,
    keyOf: ({ route }) => route,
    empty: 'No gateway has a path.',
    columns: [
      {
        title: 'Path',
        text: ({ route, paths }) => (paths > 1 ? `${route} (${count(paths)} paths)` : route),
        href: ({ route }) => routeTo('connections', [], { namespace: route }),
      },
      { title: 'Connections', text: ({ connections }) => count(connections), isEnd: true },
      {
        title: 'Received /s',
        text: perSecond('received'),
        href: ({ rates, route }) =>
          rates?.received > 0 ? routeTo('connections', [], { namespace: route, order: 'rate' }) : undefined,
        isEnd: true,
      },
      {
        title: 'Bytes /s',
        text: ({ rates }) => (rates === undefined ? '–' : bytes(rates.receivedBytes)),
        isEnd: true,
      },
      { title: 'Emitted /s', text: perSecond('emitted'), isEnd: true },
      { title: 'Broadcasts /s', text: perSecond('broadcasts'), isEnd: true },
      { title: 'Waiting', text: ({ buffered }) => bytes(buffered), isEnd: true },
      {
        title: 'Slow readers',
        text: ({ slow }) => count(slow),
        href: ({ slow, route }) =>
          slow > 0 ? routeTo('connections', [], { namespace: route, order: 'buffered' }) : undefined,
        tone: ({ slow }) => (slow > 0 ? 'warn' : ''),
        isEnd: true,
      },
      { title: 'Nodes', text: ({ nodes }) => count(nodes), isEnd: true },
    ],
  });
}
