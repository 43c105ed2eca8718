import { h } from '../dom.js';
import { labelled } from './labelled.js';
import { routeTo } from './route.js';

/**
 * Returns a form that puts its values into the address of a view. Text fields take effect with Enter or the button, choices at once.
 *
 * @param fields `{ name, label, list, choices, required }`: `list` are suggestions; `choices` are pairs of a value and its text
 * @param query the present values by name
 */
export function filterForm(view, fields, query) {
  const controls = fields.map((field) => {
    const [control, ...others] = [controlOf(field, query[field.name] ?? '')].flat();
    return labelled('field', field.label, control, others);
  });
  const isFiltered = Object.values(query).some((value) => value !== '');
  const form = h(
    'form',
    { role: 'search', 'aria-label': 'Filter' },
    controls,
    h(
      'footer',
      null,
      h('button', { class: 'primary' }, 'Show'),
      isFiltered && h('a', { href: routeTo(view), class: 'button' }, 'Clear'),
    ),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const values = Object.entries(Object.fromEntries(new FormData(form)));
    location.hash = routeTo(
      view,
      [],
      Object.fromEntries(values.map(([name, value]) => [name, value.trim()])),
    );
  });
  form.addEventListener('change', ({ target }) => target.tagName === 'SELECT' && form.requestSubmit());
  // a narrow page has no room for it above the list
  const isOpen = isFiltered || !matchMedia('(max-width: 700px)').matches;
  return h('details', { class: 'filters', open: isOpen }, h('summary', null, 'Filter'), form);
}

function controlOf({ name, list, choices }, value) {
  if (choices !== undefined) {
    // a value of the address that is no choice, such as a node that has ended, must not be dropped silently
    const all = choices.some(([known]) => known === value) ? choices : [...choices, [value, value]];
    return h(
      'select',
      { name },
      all.map(([known, text]) => h('option', { value: known, selected: known === value }, text)),
    );
  }
  const input = h('input', { name, value, autocomplete: 'off', spellcheck: 'false', maxlength: 512 });
  if (list === undefined) return input;
  input.setAttribute('list', `${name}-list`);
  return [
    input,
    h(
      'datalist',
      { id: `${name}-list` },
      list.map((text) => h('option', { value: text })),
    ),
  ];
}
