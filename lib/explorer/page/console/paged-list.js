import { h } from '../dom.js';
import { MissingNodes } from './missing-nodes.js';
import { Pager } from './pager.js';

/** A view that lists something of all nodes in pages: title, buttons, filter, the nodes that did not answer, and the table. */
export class PagedList {
  #pager = undefined;

  /**
   * @param load requests a page, as that of {@link Pager}; `undefined`: there is nothing to request
   * @param rowsOf returns the rows of the table for the rows of a page and the nodes that answered
   */
  constructor({ title, context, buttons = [], filter, table, load, rowsOf }) {
    const missing = new MissingNodes();
    const show = (page) => {
      missing.show(page.nodes, context.watch.overview);
      table.update(rowsOf(page.rows, page.nodes));
    };
    if (load !== undefined) this.#pager = new Pager({ load, show, maxRows: context.hello.maxRows });
    this.title = title;
    this.element = h(
      'div',
      null,
      h(
        'div',
        { class: 'title' },
        h('h2', { tabindex: '-1' }, title),
        h('div', { class: 'actions' }, ...buttons, this.#pager?.pauseButton()),
      ),
      filter,
      missing.element,
      h('section', { class: 'card stale', 'aria-label': 'List' }, table.element, this.#pager?.element),
    );
  }

  close() {
    this.#pager?.close();
  }

  /** Requests the page at once, after an action. */
  refresh() {
    this.#pager?.refresh();
  }
}
