import { h } from '../dom.js';

/**
 * A table whose rows are updated in place, so that a row that stays keeps its focus and the user's text selection. The roles are
 * explicit, because a narrow page shows rows as blocks, and `display` would take the roles away.
 *
 * A column is `{ title, text, href, tone, isEnd, bar }`: `text` returns the text of a row, `href` an address to link to or
 * `undefined`, `tone` the name of a colour, and `bar` the part of the width to fill, from 0 to 1. `isEnd` aligns numbers and
 * buttons. In place of `text`, `control` returns a button, once for each row.
 */
export class Table {
  #columns;
  #keyOf;
  #rows = new Map();
  #body = h('tbody', { role: 'rowgroup' });
  #table;
  #empty;
  #note = h('small');

  /**
   * @param empty the text in place of a table without rows
   * @param isWide whether a narrow page shows each row as a block
   * @param isCaptionHidden whether the title is for screen readers only
   */
  constructor({ caption, columns, keyOf, empty, isWide = false, isCaptionHidden = false }) {
    this.#columns = columns;
    this.#keyOf = keyOf;
    this.#empty = h('p', { class: 'empty' }, empty);
    const heads = columns.map(({ title, isEnd }) =>
      h('th', { role: 'columnheader', scope: 'col', class: isEnd && 'end' }, title),
    );
    this.#table = h(
      'table',
      { role: 'table', 'aria-label': caption },
      h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, heads)),
      this.#body,
    );
    this.element = h(
      'div',
      { class: isWide ? 'table wide' : 'table' },
      !isCaptionHidden && h('h3', null, caption, ' ', this.#note),
      this.#table,
      this.#empty,
    );
  }

  /** A text beside the title. */
  set note(text) {
    if (this.#note.textContent !== text) this.#note.textContent = text;
  }

  /** Shows these values, one row for each. */
  update(values) {
    const focused = this.#body.contains(document.activeElement) ? document.activeElement : undefined;
    const index = focused && [...this.#body.children].indexOf(focused.closest('tr'));
    const keys = new Set(values.map((value) => this.#keyOf(value)));
    for (const [key, { element }] of this.#rows) {
      if (keys.has(key)) continue;
      this.#rows.delete(key);
      element.remove();
    }
    let next = this.#body.firstElementChild;
    for (const value of values) {
      const { element, cells } = this.#rowOf(value);
      cells.forEach((cell, at) => updateCell(cell, this.#columns[at], value));
      if (element === next) next = next.nextElementSibling;
      else this.#body.insertBefore(element, next);
    }
    this.#table.hidden = values.length === 0;
    this.#empty.hidden = values.length > 0;
    if (focused !== undefined && document.activeElement !== focused) this.#refocus(focused, index);
  }

  /** A row that moves loses the focus. Where the row is gone, the focus goes to the row in its place. */
  #refocus(focused, index) {
    const rows = [...this.#body.children];
    const target = focused.isConnected
      ? focused
      : rows[Math.min(index, rows.length - 1)]?.querySelector('a, button');
    target?.focus({ preventScroll: true });
  }

  #rowOf(value) {
    const key = this.#keyOf(value);
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const cells = this.#columns.map(({ title, isEnd, control }, index) =>
      index === 0
        ? h('th', { role: 'rowheader', scope: 'row' })
        : h('td', { role: 'cell', 'data-title': title, class: isEnd && 'end' }, control?.(value)),
    );
    const row = { element: h('tr', { role: 'row' }, cells), cells };
    this.#rows.set(key, row);
    return row;
  }
}

function updateCell(cell, { text, href, tone, bar }, value) {
  if (text === undefined) return;
  const shown = text(value);
  const link = href?.(value);
  const colour = tone?.(value) ?? '';
  if (bar !== undefined) {
    cell.classList.add('bar');
    cell.style.setProperty('--bar', `${(100 * bar(value)).toFixed(1)}%`);
  }
  if (cell.dataset.tone !== colour) cell.dataset.tone = colour;
  if (cell.firstChild !== null && cell.shown === shown && cell.link === link) return;
  [cell.shown, cell.link] = [shown, link];
  const present = cell.firstElementChild;
  if (link !== undefined && present?.tagName === 'A') {
    // the same element, so that a focused link stays focused
    present.setAttribute('href', link);
    present.textContent = shown;
  } else cell.replaceChildren(link === undefined ? h('span', null, shown) : h('a', { href: link }, shown));
}
