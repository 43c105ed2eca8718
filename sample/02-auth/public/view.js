/** What the page shows. All that comes from others is set as text, never as HTML. */

export const $ = (id) => document.getElementById(id);

/** An element with properties and children; strings become text. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const HUES = { ada: 330, bob: 215, root: 75 };

/** A round picture of a name: its first character on a colour of its own. */
export function face(name) {
  const made = element('span', { className: 'face', ariaHidden: 'true' }, name[0]?.toUpperCase() ?? '?');
  made.style.setProperty('--hue', HUES[name] ?? 160);
  return made;
}

/** An HTTP status, a close code or another word, coloured by whether it is good news. */
export function chip(code) {
  return element('span', { className: `chip ${tone(code)}` }, String(code));
}

function tone(code) {
  if (code === 101 || (code >= 200 && code < 300)) return 'good';
  return code === 1000 || code === 4401 ? 'warn' : 'bad';
}

export function clock(at, style = { hour: '2-digit', minute: '2-digit' }) {
  return new Date(at).toLocaleTimeString([], { hour12: false, ...style });
}

/** The built-in users, to sign in as with one click. */
export function showAccounts(accounts, pick) {
  $('accounts').replaceChildren(
    ...accounts.map((account) => {
      const { user, password, role } = account;
      const label = element('b', {}, user);
      const button = element(
        'button',
        { type: 'button', className: 'account', onclick: () => pick(account) },
        ...[face(user), label, element('i', {}, role), element('code', {}, password)],
      );
      return element('li', {}, button);
    }),
  );
}

/** The people to write to. */
export function showPeople(names, { me, current, unread, open }) {
  $('people').replaceChildren(
    ...names.map((name) => {
      const button = element('button', { type: 'button', className: 'person', onclick: () => open(name) });
      button.append(face(name), element('span', { className: 'name' }, name));
      if (name === me) button.append(element('i', {}, 'your tabs'));
      if (name === current) button.setAttribute('aria-current', 'true');
      const count = unread.get(name) ?? 0;
      if (count > 0) button.append(element('span', { className: 'badge' }, String(count)));
      return element('li', {}, button);
    }),
  );
}

export function showMe(name, roles, signOut) {
  $('me').replaceChildren(
    face(name),
    element('span', { className: 'name' }, name, element('i', {}, roles.join(', ') || 'user')),
    element('button', { type: 'button', id: 'sign-out', className: 'quiet', onclick: signOut }, 'Sign out'),
  );
}

/** The messages to and from one user. */
export function showLog(lines, me, hint) {
  const shown = lines.map((line) => {
    const { from, text, at, note, failed } = line;
    const item = element('li', { className: from === me ? 'mine' : '' });
    const head = element(
      'p',
      { className: 'head' },
      element('b', {}, from),
      ' ',
      element('time', {}, clock(at)),
    );
    const body = element(
      'div',
      { className: 'body' },
      head,
      element('p', { className: 'text', dir: 'auto' }, text),
    );
    if (note !== undefined) body.append(element('p', { className: failed ? 'note bad' : 'note' }, note));
    item.append(face(from), body);
    return item;
  });
  if (shown.length === 0) shown.push(element('li', { className: 'empty' }, hint));
  $('log').replaceChildren(...shown);
  $('log').scrollTop = $('log').scrollHeight;
}

/** Who is online, for administrators. */
export function showOnline(users, disconnect) {
  $('online').replaceChildren(
    ...users.map(({ user, tabs, since }) => {
      const what = `${tabs === 1 ? '1 tab' : `${tabs} tabs`} since ${clock(since)}`;
      const label = element('span', { className: 'name' }, user, element('i', {}, what));
      const properties = { type: 'button', className: 'quiet', ariaLabel: `Disconnect ${user}` };
      const button = element('button', { ...properties, onclick: () => disconnect(user) }, 'Disconnect');
      return element('li', {}, face(user), label, button);
    }),
  );
}

/** Every door, and the keys to try on it; `knock` resolves with the outcome. */
export function showDoors(doors, keys, knock) {
  $('knocks').replaceChildren(
    ...doors.map((door) => {
      const outcome = element('span', { className: 'outcome' });
      const buttons = keys.map((key) => {
        const button = element('button', { type: 'button', className: 'quiet' }, key);
        button.dataset.key = key;
        button.onclick = async () => {
          const { status, message } = await knock(door, key);
          outcome.replaceChildren(`${key}: `, chip(status), ` ${message}`);
        };
        return button;
      });
      return element('li', {}, element('code', {}, door), ...buttons, outcome);
    }),
  );
}

/** What the access token says. */
export function showClaims({ sub, roles, iat, exp }) {
  const time = (seconds) => clock(seconds * 1_000, { timeStyle: 'medium' });
  const claims = { sub, roles: roles.join(', ') || 'none', iat: time(iat), exp: time(exp) };
  $('claims').replaceChildren(
    ...Object.entries(claims).map(([name, value]) =>
      element('span', {}, element('i', {}, name), ` ${value}`),
    ),
  );
}

/** The time that the access token has left: a ring that empties. */
export function showCountdown(left, lifetime) {
  const seconds = Math.max(0, Math.ceil(left / 1_000));
  $('seconds').textContent = String(seconds);
  const part = left / 1_000 / lifetime;
  $('ring').style.setProperty('--left', Math.min(1, Math.max(0, part)));
  $('ring').dataset.tone = part > 0.25 ? 'good' : part > 0.1 ? 'warn' : 'bad';
  $('panel-toggle').textContent = `Token: ${seconds} s`;
}

/** Shown until it is taken back; the button is left out where there is nothing to do. */
export function showBanner(tone, text, label, act) {
  $('banner').hidden = text === undefined;
  $('banner').dataset.tone = tone;
  $('banner-text').textContent = text ?? '';
  $('banner-button').hidden = label === undefined;
  $('banner-button').textContent = label ?? '';
  $('banner-button').onclick = act;
}
