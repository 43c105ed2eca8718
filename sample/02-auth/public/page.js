import { Connection, tryConnect } from './connection.js';
import { $ } from './elements.js';
import { Journal } from './journal.js';
import { Session } from './session.js';
import * as view from './view.js';
import { chip } from './view.js';

const ACCOUNTS = [
  { user: 'ada', password: 'lovelace', role: 'user' },
  { user: 'bob', password: 'builder', role: 'user' },
  { user: 'root', password: 'admin', role: 'administrator' },
];
const NAMES = ACCOUNTS.map(({ user }) => user);

const journal = new Journal($('journal'));
const session = new Session(journal);
const messages = new Connection('/ws', session, journal);
const admin = new Connection('/admin', session, journal);

// ---- signing in and out

/** In this tab only: another tab may have another user. */
const remembered = sessionStorage.getItem('user');

async function signIn(user, password) {
  try {
    await session.login(user, password);
  } catch ({ status, message }) {
    return showWelcome(status, message);
  }
  enter();
}

function enter() {
  const { sub, roles } = session.claims;
  sessionStorage.setItem('user', sub);
  document.title = `${sub} · Auth`;
  $('welcome').hidden = true;
  $('app').hidden = false;
  $('user').value = '';
  view.showMe(sub, roles, signOut);
  open(NAMES.find((name) => name !== sub));
  $('text').focus();
  $('admin').hidden = !roles.includes('admin');
  void messages.open();
  if (roles.includes('admin')) void admin.open();
}

function signOut() {
  session.logout().catch(() => undefined);
  leave();
}

function leave(status, message) {
  sessionStorage.removeItem('user');
  messages.close();
  admin.close();
  conversations.clear();
  unread.clear();
  showWelcome(status, message);
}

function showWelcome(status, message = '') {
  document.title = 'Auth';
  $('app').hidden = true;
  $('welcome').hidden = false;
  $('login-error').replaceChildren(...(message === '' ? [] : [chip(status ?? 'offline'), ` ${message}`]));
  // after a wrong password, the user types the password again
  $($('user').value === '' ? 'user' : 'password').focus();
}

view.showAccounts(ACCOUNTS, ({ user, password }) => void signIn(user, password));
$('login').addEventListener('submit', (event) => {
  event.preventDefault();
  void signIn($('user').value.trim(), $('password').value);
  $('password').value = '';
});

// ---- the token

session.addEventListener('token', () => view.showClaims(session.claims));

setInterval(() => {
  if (session.token === undefined) return;
  view.showCountdown(session.expiresAt - Date.now(), session.lifetime);
  for (const button of document.querySelectorAll('[data-token="expired"]')) {
    button.disabled = session.expired === undefined;
  }
}, 200);

/** Replaces the token now, and sends it on the open connections. They do the same by themselves before it expires. */
async function renew() {
  $('renew').disabled = true;
  try {
    await session.refresh();
    await Promise.all([messages.renew(), admin.renew()]);
  } catch ({ status, message }) {
    if (status === 401) leave(status, message);
    else view.showBanner('bad', message);
  }
  $('renew').disabled = false;
}
$('renew').addEventListener('click', () => void renew());

function showExpiry() {
  session.isRenewed = $('auto').checked;
  $('expiry').textContent = session.isRenewed
    ? 'Renewed after about 80 % of its lifetime: the connection stays open.'
    : 'Not renewed: at 0 the server closes with 4401.';
}
$('auto').addEventListener('change', showExpiry);
showExpiry();

// ---- connection state

let countdown;
messages.addEventListener('state', ({ detail: { state, code, message, until } }) => {
  clearInterval(countdown);
  const show = () => {
    const seconds = Math.max(1, Math.ceil((until - Date.now()) / 1_000));
    const texts = {
      open: 'Connected',
      connecting: 'Connecting',
      waiting: code === 4401 ? `Expired, reconnecting in ${seconds} s` : 'Reconnecting',
      refused: `Refused: ${code}`,
      closed: 'Disconnected',
    };
    $('status').dataset.state = state;
    if ($('status-text').textContent !== texts[state]) $('status-text').textContent = texts[state];
  };
  show();
  if (until !== undefined) countdown = setInterval(show, 200);
  if (state === 'waiting' && code === 4401) {
    view.showBanner(
      'warn',
      '4401: the token expired, so the server closed the connection. Next: POST /refresh and reconnect.',
    );
  } else if (state === 'refused') {
    leave(code, message);
  } else if (state === 'closed' && code !== undefined) {
    const by = endedBy ?? 'The server';
    view.showBanner(
      'bad',
      `${code}: ${by} ended the connection.`,
      'Connect again',
      () => void messages.open(),
    );
  } else {
    view.showBanner();
  }
  endedBy = undefined;
});
$('status').addEventListener('click', () => void messages.open());

let endedBy;
messages.addEventListener('event', ({ detail: { event, data } }) => {
  if (event === 'message') received(data);
  if (event === 'session-ended') endedBy = data.by;
});

// ---- messages

/** The messages to and from each user. */
const conversations = new Map();
const unread = new Map();
let current;

function linesWith(name) {
  if (!conversations.has(name)) conversations.set(name, []);
  return conversations.get(name);
}

function received(message) {
  // from another tab of the same user, or from another user
  const other = message.from === session.user ? message.to : message.from;
  linesWith(other).push(message);
  if (other !== current) unread.set(other, (unread.get(other) ?? 0) + 1);
  show();
}

function open(name) {
  current = name;
  unread.delete(name);
  show();
}

function show() {
  const isMe = current === session.user;
  $('title').textContent = isMe ? `${current} (your tabs)` : current;
  $('text').placeholder = `Message ${current}`;
  view.showPeople(NAMES, { me: session.user, current, unread, open });
  const hint = isMe
    ? 'What you write here reaches your other tabs.'
    : `Sign in as ${current} in another tab, or in two: a message reaches all tabs of a user.`;
  view.showLog(linesWith(current), session.user, hint);
}

$('composer').addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = $('text').value.trim();
  if (text === '') return;
  $('text').value = '';
  const to = current;
  const line = { from: session.user, to, text, at: new Date().toISOString() };
  if (!messages.isOpen) line.note = 'Waits for the connection';
  linesWith(to).push(line);
  show();
  try {
    const { tabs } = await messages.request('message', { to, text });
    const others = to === session.user ? tabs - 1 : tabs;
    line.note =
      others === 0
        ? 'Not delivered: the user is offline'
        : `Delivered to ${others === 1 ? '1 tab' : `${others} tabs`}`;
  } catch ({ message }) {
    Object.assign(line, { note: `Not sent: ${message}`, failed: true });
  }
  show();
});

// ---- administration

admin.addEventListener('state', ({ detail: { state, code, message } }) => {
  const texts = { refused: `${code} ${message}`, waiting: `Closed with ${code}`, closed: 'Closed' };
  $('admin-note').textContent = texts[state] ?? '';
  if (state === 'open') admin.request('online').then(showOnline, () => undefined);
});
admin.addEventListener('event', ({ detail: { event, data } }) => {
  if (event === 'online') showOnline(data);
});

function showOnline(users) {
  view.showOnline(users, (user) => void admin.request('disconnect-user', { user }).catch(() => undefined));
}

// ---- trying to connect

const TOKENS = {
  none: () => undefined,
  'my token': () => session.token,
  forged: () => forge(session.token),
  expired: () => session.expired,
};

/** Returns the user's own token with roles that nobody has. Its signature no longer matches. */
function forge(token) {
  const [header, , signature] = token.split('.');
  const payload = btoa(JSON.stringify({ ...session.claims, roles: ['admin', 'owner'] }));
  return [header, payload.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''), signature].join('.');
}

view.showEndpoints(['/ws', '/admin'], Object.keys(TOKENS), (path, token) =>
  tryConnect(path, TOKENS[token](), session, journal),
);

$('panel-toggle').addEventListener('click', () => $('panel').classList.toggle('shown'));

// ---- start

if (remembered === null) showWelcome();
else session.refresh(remembered).then(enter, ({ status, message }) => showWelcome(status, message));
