import { h } from '../dom.js';

/**
 * A table whose rows are updated in place, so that a row that stays keeps its focus and the user's text selection. The roles are
 * explicit, because a narrow page shows rows as blocks, and `display` would take the roles away.
 *
 * A column is `{ title, text, href, isNumber, bar }`: `text` returns the text of a row, `href` an address to link to or `undefined`,
 * `tone` the name of a colour, and `bar` the part of the width to fill, from 0 to 1.
 */
export class Table {
  #columns;
  #keyOf;
  #rows = new Map();
  #body = h('tbody', { role: 'rowgroup' });
  #empty;

  /** @param empty the text in place of a table without rows */
  constructor({ caption, columns, keyOf, empty, isCaptionHidden = false }) {
    this.#columns = columns;
    this.#keyOf = keyOf;
    this.#empty = h('p', { class: 'empty' }, empty);
    const heads = columns.map(({ title, isNumber }) =>
      h('th', { role: 'columnheader', scope: 'col', class: isNumber && 'number' }, title),
    );
    this.element = h(
      'div',
      { class: 'table' },
      h(
        'table',
        { role: 'table' },
        h('caption', { class: isCaptionHidden && 'unseen' }, caption),
        h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, heads)),
        this.#body,
      ),
      this.#empty,
    );
  }

  /** Shows these values, one row for each. */
  update(values) {
    const focused = this.#body.contains(document.activeElement) ? document.activeElement : undefined;
    const index = focused && [...this.#body.children].indexOf(focused.closest('tr'));
    const gone = new Map(this.#rows);
    let next = this.#body.firstElementChild;
    for (const value of values) {
      const key = this.#keyOf(value);
      gone.delete(key);
      const row = this.#rows.get(key) ?? this.#newRow(key);
      row.cells.forEach((cell, at) => updateCell(cell, this.#columns[at], value));
      if (row.element === next) next = next.nextElementSibling;
      else this.#body.insertBefore(row.element, next);
    }
    for (const [key, { element }] of gone) {
      this.#rows.delete(key);
      element.remove();
    }
    this.element.querySelector('table').hidden = values.length === 0;
    this.#empty.hidden = values.length > 0;
    if (focused !== undefined && document.activeElement !== focused) this.#refocus(focused, index);
  }

  /** A row that moves loses the focus. Where the row is gone, the focus goes to the row in its place. */
  #refocus(focused, index) {
    const rows = [...this.#body.children];
    const target = focused.isConnected ? focused : rows[Math.min(index, rows.length - 1)]?.querySelector('a');
    target?.focus({ preventScroll: true });
  }

  #newRow(key) {
    const cells = this.#columns.map(({ title, isNumber }, index) =>
      index === 0
        ? h('th', { role: 'rowheader', scope: 'row' })
        : h('td', { role: 'cell', 'data-title': title, class: isNumber && 'number' }),
    );
    const row = { element: h('tr', { role: 'row' }, cells), cells };
    this.#rows.set(key, row);
    return row;
  }
}

function updateCell(cell, { text, href, tone, bar }, value) {
  const shown = text(value);
  const link = href?.(value);
  const colour = tone?.(value) ?? '';
  if (bar !== undefined) cell.style.setProperty('--bar', `${100 * bar(value)}%`);
  if (bar !== undefined) cell.classList.add('bar');
  if (cell.dataset.tone !== colour) cell.dataset.tone = colour;
  if (cell.firstChild !== null && cell.shown === shown && cell.link === link) return;
  [cell.shown, cell.link] = [shown, link];
  const present = cell.firstElementChild;
  if (link !== undefined && present?.tagName === 'A') {
    // the same element: a focused link stays focused
    present.setAttribute('href', link);
    present.textContent = shown;
  } else cell.replaceChildren(link === undefined ? h('span', null, shown) : h('a', { href: link }, shown));
}
