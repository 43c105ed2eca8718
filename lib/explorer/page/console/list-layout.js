import { h } from '../dom.js';

/** Returns the element of a view that lists something in pages: title, buttons, filter, nodes that did not answer, table. */
export function listLayout({ title, buttons, filter, missing, table, pager }) {
  return h(
    'div',
    null,
    h(
      'div',
      { class: 'title' },
      h('h2', { tabindex: '-1' }, title),
      h('div', { class: 'actions' }, ...buttons, pager?.pauseButton()),
    ),
    filter,
    missing.element,
    h('section', { class: 'card stale', 'aria-label': 'List' }, table.element, pager?.element),
  );
}
