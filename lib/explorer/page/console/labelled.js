import { h } from '../dom.js';

let ids = 0;

/**
 * Returns a field with its label, as siblings in a `div` of this class. The label does not contain the field: its text would be the
 * text of all options then.
 */
export function labelled(className, text, field, ...others) {
  field.id = `field-${++ids}`;
  return h('div', { class: className }, h('label', { for: field.id }, text), field, others);
}
