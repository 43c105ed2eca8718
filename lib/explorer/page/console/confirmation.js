import { h } from '../dom.js';
import { labelled } from './labelled.js';

/**
 * Asks in a dialog before an action. The dialog is modal: the browser keeps the focus in it, closes it with Escape, and returns the
 * focus afterwards.
 *
 * @param fields inputs that the action needs, as `{ name, label, ... }`, with further attributes of the input. `isText` makes a text
 * area, and `choices`, pairs of a value and its text, a list to choose from
 * @param act runs the action with the values of the fields by name. What it throws is shown, and the dialog stays open
 * @returns whether the action ran
 */
export function confirmAction({ title, text, verb, isDanger = false, fields = [], act }) {
  const problem = h('p', { class: 'warning', role: 'alert', hidden: true });
  const inputs = fields.map((field) => labelled('stacked', field.label, inputOf(field)));
  const cancel = h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
  const confirm = h('button', { class: isDanger ? 'primary danger' : 'primary' }, verb);
  const form = h(
    'form',
    { method: 'dialog' },
    h('h2', { id: 'confirmation-title' }, title),
    h('p', { id: 'confirmation-text', class: 'prose' }, text),
    inputs,
    problem,
    h('footer', null, cancel, confirm),
  );
  const dialog = h(
    'dialog',
    { class: 'card', 'aria-labelledby': 'confirmation-title', 'aria-describedby': 'confirmation-text' },
    form,
  );
  let isDone = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    confirm.disabled = true;
    try {
      await act(Object.fromEntries(new FormData(form)));
      isDone = true;
      dialog.close();
    } catch (error) {
      problem.hidden = false;
      problem.textContent = error.message;
    } finally {
      confirm.disabled = false;
    }
  });
  document.body.append(dialog);
  dialog.showModal();
  // the safe choice, because a key that is held down would confirm a dangerous one at once
  (isDanger ? cancel : (form.querySelector('input, select, textarea') ?? cancel)).focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(isDone);
    });
  });
}

function inputOf({ label: _, isText = false, choices, ...attributes }) {
  if (choices !== undefined)
    return h(
      'select',
      attributes,
      choices.map(([value, text]) => h('option', { value }, text)),
    );
  return h(isText ? 'textarea' : 'input', { autocomplete: 'off', spellcheck: 'false', ...attributes });
}
