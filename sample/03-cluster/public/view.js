/** What the page shows. All that comes from others is set as text, never as HTML. */

export const $ = (id) => document.getElementById(id);

/** An element with properties and children; strings become text. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Process ids come in a row: the golden angle keeps their colours apart. */
function paint(made, worker) {
  made.style.setProperty('--hue', Math.round(Number.parseInt(worker, 10) * 137.5) % 360);
  return made;
}

/** `4711@host`, on a colour of its own. */
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

/** The workers that have clients, ours marked, with the names of who is there. */
export function showRoster({ state, nodes, crews }, mine) {
  const idle = state === 'away' ? 0 : nodes - crews.length;
  $('cluster').textContent = state === 'away' ? 'Redis is away: this worker is alone' : '';
  $('idle').textContent = idle > 0 ? `${count(idle, 'worker')} without clients` : '';
  $('crews').replaceChildren(
    ...crews.map(({ worker, names }) => {
      const total = element('span', {}, count(names.length, 'client'));
      const people = names.map((name) => element('span', { className: 'person', dir: 'auto' }, name));
      const head = element('p', { className: 'head' }, workerTag(worker), total);
      const card = element('li', { className: 'card crew' }, head, element('p', {}, ...people));
      if (worker === mine) card.setAttribute('aria-current', 'true');
      return paint(card, worker);
    }),
  );
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
