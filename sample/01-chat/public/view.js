import { $, element } from './elements.js';

/** Renders the page. Sets all content from other users as text, never as HTML. */

/** Returns a round avatar: the first character of a name, on a colour that depends on the name. */
export function avatar(name) {
  const made = element(
    'span',
    { className: 'avatar', ariaHidden: 'true' },
    [...name.trim()][0]?.toUpperCase() ?? '?',
  );
  made.style.setProperty('--hue', hue(name));
  return made;
}

function hue(name) {
  let hash = 7;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 360;
  return String(hash);
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

function time(at) {
  const date = new Date(at);
  const text = Number.isNaN(date.getTime()) ? '' : CLOCK.format(date);
  return element('time', { dateTime: at, textContent: text });
}

const GROUPED_FOR = 5 * 60_000;

/** Consecutive messages of one author within five minutes share one head. */
function continues(entry, before) {
  if (before === undefined || entry.kind !== 'message' || before.kind !== 'message') return false;
  return entry.author === before.author && new Date(entry.at) - new Date(before.at) < GROUPED_FOR;
}

/** Returns the list item of one log entry, `{kind, author, text, at, state, retry}`. */
export function logLine(entry, before, me) {
  if (entry.kind === 'announcement') {
    return element('li', { className: 'announcement' }, element('span', {}, entry.text), ' ', time(entry.at));
  }
  const line = element('li', { className: entry.kind });
  line.classList.toggle('mine', entry.author === me);
  line.classList.toggle('follows', continues(entry, before));
  if (entry.state !== undefined) line.dataset.state = entry.state;
  const head = element(
    'p',
    { className: 'head' },
    element('b', { dir: 'auto' }, entry.author),
    ' ',
    time(entry.at),
  );
  if (entry.kind === 'said') head.append(' ', element('i', {}, 'to all rooms'));
  const body = element(
    'div',
    { className: 'body' },
    head,
    element('p', { className: 'text', dir: 'auto' }, entry.text),
  );
  if (entry.state === 'failed') {
    body.append(
      element('button', { type: 'button', className: 'retry', onclick: entry.retry }, 'Not sent. Try again'),
    );
  }
  line.append(avatar(entry.author), body);
  entry.line = line;
  return line;
}

/** Shows the people of a room, in the list and in the header. */
export function showPeople(names, me) {
  const unique = [...names].sort((one, other) => one.localeCompare(other));
  const mine = unique.indexOf(me);
  const others = unique.filter((_, index) => index !== mine);
  const all = mine === -1 ? others : [me, ...others];
  $('names').replaceChildren(
    ...all.map((name, index) => {
      const label = element('span', { className: 'name', dir: 'auto' }, name);
      return element(
        'li',
        {},
        avatar(name),
        label,
        index === 0 && mine !== -1 ? element('i', {}, 'you') : '',
      );
    }),
  );
  $('avatars').replaceChildren(...all.slice(0, 3).map(avatar));
  $('count').textContent = all.length === 1 ? '1 here' : `${all.length} here`;
}

/** Shows `ada is typing`, `ada and bob are typing`, … */
export function showTyping(names) {
  const shown = names.slice(0, 2).join(names.length === 2 ? ' and ' : ', ');
  const rest = names.length > 2 ? ` and ${names.length - 2} more` : '';
  const dots = element(
    'span',
    { className: 'dots', ariaHidden: 'true' },
    ...[1, 2, 3].map(() => element('i')),
  );
  const sentence = `${shown}${rest} ${names.length === 1 ? 'is' : 'are'} typing`;
  $('typing').replaceChildren(
    ...(names.length === 0 ? [] : [dots, element('span', { dir: 'auto' }, sentence)]),
  );
}

/** Lists the open rooms with their unread counts, and then the suggested rooms that are not open. */
export function showRooms(rooms, current, suggested, { open, close }) {
  const others = suggested.filter((name) => !rooms.has(name));
  $('rooms').replaceChildren(
    ...[...rooms].map(([name, { unread }]) => {
      const button = roomButton(name, 'room', open);
      if (name === current) button.setAttribute('aria-current', 'true');
      if (unread > 0)
        button.append(element('span', { className: 'badge', title: `${unread} unread` }, `${unread}`));
      const label = `Leave ${name}`;
      const properties = {
        type: 'button',
        className: 'leave',
        title: label,
        ariaLabel: label,
        onclick: () => close(name),
      };
      return element('li', {}, button, rooms.size > 1 ? element('button', properties, '×') : '');
    }),
    ...others.map((name) => element('li', {}, roomButton(name, 'room other', open))),
  );
}

function roomButton(name, className, open) {
  const label = element('span', { className: 'name', dir: 'auto' }, name);
  return element('button', { type: 'button', className, onclick: () => open(name) }, label);
}
