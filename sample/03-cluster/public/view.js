import { $, element } from './elements.js';

/** Renders the page. Sets all content from other users as text, never as HTML. */

/** Colours an element by worker. Process ids are consecutive: the golden angle gives them distinct colours. */
function paint(made, worker) {
  made.style.setProperty('--hue', Math.round(Number.parseInt(worker, 10) * 137.5) % 360);
  return made;
}

/** Returns the label of a worker, such as `4711@host`, in its colour. */
export function workerTag(worker) {
  const [pid, host] = worker.split('@');
  return paint(element('span', { className: 'worker' }, element('b', {}, pid), `@${host}`), worker);
}

export function messageLine({ name, worker, text }, isMine) {
  const head = element(
    'p',
    { className: 'head' },
    element('b', { dir: 'auto' }, name),
    ' on ',
    workerTag(worker),
  );
  const body = element('p', { className: 'text', dir: 'auto' }, text);
  return paint(element('li', { className: isMine ? 'message mine' : 'message' }, head, body), worker);
}

export function noteLine(...children) {
  return element('li', { className: 'note' }, ...children);
}

/** Shows the workers that have clients, with the names of their members. Marks the worker `mine`. */
export function showRoster({ state, nodes, workers }, mine) {
  const idle = state === 'away' ? 0 : nodes - workers.length;
  $('cluster').textContent =
    state === 'away' ? 'Redis does not answer: only the members on this worker are shown' : '';
  $('idle').textContent = idle > 0 ? `${count(idle, 'worker')} without clients` : '';
  $('workers').replaceChildren(
    ...workers.map(({ worker, names }) => {
      const total = element('span', {}, count(names.length, 'client'));
      const people = names.map((name) => element('span', { className: 'person', dir: 'auto' }, name));
      const head = element('p', { className: 'head' }, workerTag(worker), total);
      const card = element('li', { className: 'card worker-card' }, head, element('p', {}, ...people));
      if (worker === mine) card.setAttribute('aria-current', 'true');
      return paint(card, worker);
    }),
  );
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
