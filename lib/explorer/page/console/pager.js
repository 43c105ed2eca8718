import { h } from '../dom.js';
import { clock, count } from './format.js';
import { Poll } from './poll.js';

/** Milliseconds between two requests for the page that is shown. */
const REFRESH = 5_000;
/** Rows of a page. */
const LIMIT = 50;
/** Requests for one page, at most: with a filter, the server may answer with few rows, and more to come. */
const MAX_REQUESTS = 20;
/** The cursors of pages by the address of their list, so that a list is shown again where the user left it. */
const remembered = new Map();

/** Shows a long list in pages, and requests the shown page again and again. */
export class Pager {
  #load;
  #show;
  #poll;
  #limit;
  /** The cursor of each known page. The first page has none. */
  #cursors;
  #index;
  #text = h('p', { role: 'status' });
  #time = h('p', { class: 'time' });
  #previous = this.#button('Previous', () => this.#goTo(this.#index - 1));
  #next = this.#button('Next', () => this.#goTo(this.#index + 1));
  #key = location.hash;

  /**
   * @param load requests a page of the server: `({ cursor, limit }) => ({ rows, cursor, total, nodes })`, where `total` may be missing
   * @param show shows a page
   */
  constructor({ load, show, maxRows }) {
    this.#load = load;
    this.#show = show;
    this.#limit = Math.min(LIMIT, maxRows);
    const { cursors = [undefined], index = 0 } = remembered.get(this.#key) ?? {};
    this.#cursors = cursors;
    this.#index = index;
    this.#poll = new Poll(() => this.#loadShown(), REFRESH);
    this.element = h(
      'nav',
      { class: 'pages', 'aria-label': 'Pages' },
      this.#text,
      this.#time,
      this.#previous,
      this.#next,
    );
    this.#poll.start();
  }

  close() {
    this.#poll.close();
  }

  /** Requests the page at once. */
  refresh() {
    this.#poll.now();
  }

  /** Returns a button that stops and continues the requests. */
  pauseButton() {
    const button = h('button', { type: 'button', 'aria-pressed': 'false' }, 'Pause');
    button.addEventListener('click', () => {
      if (this.#poll.isActive) this.#poll.stop();
      else this.#poll.start();
      button.setAttribute('aria-pressed', String(!this.#poll.isActive));
      button.textContent = this.#poll.isActive ? 'Pause' : 'Resume';
    });
    return button;
  }

  #button(text, act) {
    const onclick = () => button.getAttribute('aria-disabled') !== 'true' && act();
    // not `disabled`: a button that becomes disabled loses the focus
    const button = h('button', { type: 'button', 'aria-disabled': 'true', onclick }, text);
    return button;
  }

  #goTo(index) {
    this.#index = index;
    this.#poll.now();
  }

  async #loadShown() {
    const index = this.#index;
    const page = await this.#loadPage(this.#cursors[index]);
    // the user has chosen another page meanwhile
    if (index !== this.#index) return;
    this.#cursors = [
      ...this.#cursors.slice(0, index + 1),
      ...(page.cursor === undefined ? [] : [page.cursor]),
    ];
    remembered.set(this.#key, { cursors: this.#cursors, index });
    this.#show(page);
    this.#showPlace(page);
  }

  async #loadPage(cursor) {
    const rows = [];
    let page;
    for (let requests = 0; requests < MAX_REQUESTS; requests++) {
      page = await this.#load({ limit: this.#limit - rows.length, ...(cursor !== undefined && { cursor }) });
      rows.push(...page.rows);
      cursor = page.cursor;
      if (cursor === undefined || rows.length >= this.#limit) break;
    }
    return { ...page, rows };
  }

  #showPlace({ rows, cursor, total: known }) {
    const first = this.#index * this.#limit;
    const total = cursor === undefined ? first + rows.length : known;
    const range = rows.length === 0 ? '' : `${count(first + 1)} to ${count(first + rows.length)}`;
    const text = total === undefined || range === '' ? range : `${range} of ${count(total)}`;
    if (this.#text.textContent !== text) this.#text.textContent = text;
    this.#time.textContent = `as of ${clock(Date.now())}`;
    this.#previous.setAttribute('aria-disabled', String(this.#index === 0));
    this.#next.setAttribute('aria-disabled', String(cursor === undefined));
  }
}
