import { $, element } from './elements.js';

/** Renders the page. Sets all content from other users as text, never as HTML. */

const HUES = { ada: 330, bob: 215, root: 75 };

/** Returns a round avatar: the first character of a name, on the user's colour. */
export function avatar(name) {
  const made = element('span', { className: 'avatar', ariaHidden: 'true' }, name[0]?.toUpperCase() ?? '?');
  made.style.setProperty('--hue', HUES[name] ?? 160);
  return made;
}

/** Returns a label with an HTTP status or a close code, coloured by success or failure. */
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

/** Shows the built-in users. A click signs in. */
export function showAccounts(accounts, pick) {
  $('accounts').replaceChildren(
    ...accounts.map((account) => {
      const { user, password, role } = account;
      const label = element('b', {}, user);
      const button = element(
        'button',
        { type: 'button', className: 'account', onclick: () => pick(account) },
        ...[avatar(user), label, element('i', {}, role), element('code', {}, password)],
      );
      return element('li', {}, button);
    }),
  );
}

/** Shows the users to write to. */
export function showPeople(names, { me, current, unread, open }) {
  $('people').replaceChildren(
    ...names.map((name) => {
      const button = element('button', { type: 'button', className: 'person', onclick: () => open(name) });
      button.append(avatar(name), element('span', { className: 'name' }, name));
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
    avatar(name),
    element('span', { className: 'name' }, name, element('i', {}, roles.join(', ') || 'user')),
    element('button', { type: 'button', id: 'sign-out', className: 'quiet', onclick: signOut }, 'Sign out'),
  );
}

/** Shows the messages to and from one user. */
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
    item.append(avatar(from), body);
    return item;
  });
  if (shown.length === 0) shown.push(element('li', { className: 'empty' }, hint));
  $('log').replaceChildren(...shown);
  $('log').scrollTop = $('log').scrollHeight;
}

/** Shows administrators who is online. */
export function showOnline(users, disconnect) {
  $('online').replaceChildren(
    ...users.map(({ user, tabs, since }) => {
      const what = `${tabs === 1 ? '1 tab' : `${tabs} tabs`} since ${clock(since)}`;
      const label = element('span', { className: 'name' }, user, element('i', {}, what));
      const properties = { type: 'button', className: 'quiet', ariaLabel: `Disconnect ${user}` };
      const button = element('button', { ...properties, onclick: () => disconnect(user) }, 'Disconnect');
      return element('li', {}, avatar(user), label, button);
    }),
  );
}

/** Shows each endpoint with one button per token. `tryConnect` resolves with the outcome. */
export function showEndpoints(paths, tokens, tryConnect) {
  $('attempts').replaceChildren(
    ...paths.map((path) => {
      const outcome = element('span', { className: 'outcome' });
      const buttons = tokens.map((token) => {
        const button = element('button', { type: 'button', className: 'quiet' }, token);
        button.dataset.token = token;
        button.onclick = async () => {
          const { status, message } = await tryConnect(path, token);
          outcome.replaceChildren(`${token}: `, chip(status), ` ${message}`);
        };
        return button;
      });
      return element('li', {}, element('code', {}, path), ...buttons, outcome);
    }),
  );
}

/** Shows the claims of the access token. */
export function showClaims({ sub, roles, iat, exp }) {
  const time = (seconds) => clock(seconds * 1_000, { timeStyle: 'medium' });
  const claims = { sub, roles: roles.join(', ') || 'none', iat: time(iat), exp: time(exp) };
  $('claims').replaceChildren(
    ...Object.entries(claims).map(([name, value]) =>
      element('span', {}, element('i', {}, name), ` ${value}`),
    ),
  );
}

/** Shows the remaining time of the access token as a ring that empties. */
export function showCountdown(left, lifetime) {
  const seconds = Math.max(0, Math.ceil(left / 1_000));
  $('seconds').textContent = String(seconds);
  const part = left / 1_000 / lifetime;
  $('ring').style.setProperty('--left', Math.min(1, Math.max(0, part)));
  $('ring').dataset.tone = part > 0.25 ? 'good' : part > 0.1 ? 'warn' : 'bad';
  $('panel-toggle').textContent = `Token: ${seconds} s`;
}

/** Shows a banner, or hides it when called without `text`. The button is hidden without a `label`. */
export function showBanner(tone, text, label, act) {
  $('banner').hidden = text === undefined;
  $('banner').dataset.tone = tone;
  $('banner-text').textContent = text ?? '';
  $('banner-button').hidden = label === undefined;
  $('banner-button').textContent = label ?? '';
  $('banner-button').onclick = act;
}
