import { $, element } from './elements.js';
import { Connection } from './envelope-connection.js';
import { SocketIoConnection } from './socket-io-connection.js';
import { suggestName } from './suggest-name.js';
import { avatar, logLine, showPeople, showRooms, showTyping } from './view.js';

const LOBBY = 'lobby';
const SUGGESTED = [LOBBY, 'coffee', 'ideas', 'help'];
const MAX_LINES = 300;
const TYPING_SHOWN_FOR = 3_000;
const TYPING_SEND_INTERVAL = 1_500;

const { port, path } = await (await fetch('/settings.json')).json();
const url = new URL(path, location.origin);
if (port !== 0) url.port = String(port);

/** The ways to connect: the names of the options of `#transport`. All of them reach the same rooms. */
const transports = {
  websocket: () => new Connection(url.href.replace('http', 'ws')),
  'socket.io websocket': () => new SocketIoConnection(url.href, 'websocket'),
  'socket.io polling': () => new SocketIoConnection(url.href, 'polling'),
};
let connection;

/**
 * The rooms that this window shows: for each the log entries, the authors who type, the people, and the unread count.
 */
const rooms = new Map();
let current;
let me = sessionStorage.getItem('name') ?? '';

function roomNamed(name) {
  let room = rooms.get(name);
  if (room === undefined)
    rooms.set(name, (room = { lines: [], typing: new Map(), people: [], unread: 0, joined: false }));
  return room;
}

// ---- connection state

function connect(transport) {
  connection?.close();
  connection = transports[transport]();
  connection.addEventListener('state', ({ detail }) => showState(detail));
  connection.addEventListener('event', ({ detail: { event, data } }) => {
    if (Object.hasOwn(received, event)) received[event](data);
  });
  connection.reconnect();
}

let countdown;
function showState({ state, until }) {
  clearInterval(countdown);
  $('status').dataset.state = state;
  $('status').title = state === 'waiting' ? 'Connect now' : '';
  const show = () => {
    // Socket.IO's client does not tell when it connects again
    const when = until === undefined ? '' : ` in ${Math.max(1, Math.ceil((until - Date.now()) / 1_000))} s`;
    const text = { open: 'Connected', connecting: 'Connecting', waiting: `Reconnecting${when}` }[state];
    if ($('status-text').textContent !== text) $('status-text').textContent = text;
  };
  show();
  if (state === 'waiting') countdown = setInterval(show, 250);
  if (state !== 'open') return;
  $('notice').hidden = true;
  void enter();
}

/** Sends the name and joins the rooms: the server keeps neither when a connection ends. */
async function enter() {
  if (me === '') return;
  for (const room of rooms.values()) room.joined = false;
  try {
    await connection.request('name', me);
    await Promise.all([...rooms.keys()].map(join));
    // the server puts each new connection into the lobby
    if (!rooms.has(LOBBY)) await connection.request('leave', LOBBY);
  } catch (error) {
    notice(error.message);
  }
}

async function join(name) {
  await connection.request('join', name);
  const [messages, people] = await Promise.all([
    connection.request('history', name),
    connection.request('people', name),
  ]);
  const room = rooms.get(name);
  if (room === undefined) return;
  room.joined = true;
  room.people = people.names;
  room.lines = [
    ...messages.map((message) => ({ kind: 'message', ...message })),
    ...missing(messages, room.lines),
  ];
  room.lines.sort((one, other) => one.at.localeCompare(other.at));
  if (name === current) showRoom();
}

/** Returns the entries that only this window has: the server does not store all, and none when it starts again. */
function missing(messages, lines) {
  const key = ({ author, text }) => JSON.stringify([author, text]);
  const stored = messages.map(key);
  // from the end: of equal messages, the server has the latest
  return lines
    .toReversed()
    .filter((entry) => {
      if (entry.kind !== 'message' || entry.state !== undefined) return true;
      const index = stored.lastIndexOf(key(entry));
      if (index !== -1) stored.splice(index, 1);
      return index === -1;
    })
    .toReversed();
}

// ---- events from the server

const received = {
  message: ({ room, ...message }) => add(room, { kind: 'message', ...message }),
  said({ rooms: names, ...message }) {
    const shared = names.filter((name) => rooms.has(name));
    for (const name of shared) add(name, { kind: 'said', ...message });
  },
  announcement: (announcement) => add(LOBBY, { kind: 'announcement', ...announcement }),
  people({ room, names }) {
    if (!rooms.has(room)) return;
    roomNamed(room).people = names;
    if (room === current) showPeople(names, me);
  },
  typing({ room, author }) {
    if (!rooms.has(room)) return;
    const { typing } = roomNamed(room);
    clearTimeout(typing.get(author));
    typing.set(
      author,
      setTimeout(() => stopTyping(room, author), TYPING_SHOWN_FOR),
    );
    if (room === current) showTyping([...typing.keys()]);
  },
  exception: ({ message }) => notice([message].flat().join(', ')),
};

function stopTyping(name, author) {
  const typing = rooms.get(name)?.typing;
  if (typing === undefined) return;
  clearTimeout(typing.get(author));
  typing.delete(author);
  if (name === current) showTyping([...typing.keys()]);
}

function add(name, entry) {
  if (!rooms.has(name)) return;
  const room = roomNamed(name);
  const before = room.lines.at(-1);
  room.lines.push(entry);
  if (room.lines.length > MAX_LINES) room.lines.shift();
  if (entry.author !== undefined) stopTyping(name, entry.author);
  if (name === current) {
    append(logLine(entry, before, me), entry.author === me);
  } else if (entry.kind !== 'announcement' && entry.author !== me) {
    room.unread++;
    showRooms(rooms, current, SUGGESTED, { open, close });
  }
}

// ---- the current room

function open(name) {
  const isNew = !rooms.has(name);
  roomNamed(name).unread = 0;
  current = name;
  sessionStorage.setItem('rooms', JSON.stringify([...rooms.keys()]));
  history.replaceState(null, '', `#${new URLSearchParams({ room: name })}`);
  showRoom();
  if (isNew && connection?.isOpen) {
    join(name).catch((error) => {
      rooms.delete(name);
      notice(error.message);
      open([...rooms.keys()][0] ?? LOBBY);
    });
  }
}

function close(name) {
  rooms.delete(name);
  connection.send('leave', name);
  open(name === current ? [...rooms.keys()][0] : current);
}

function showRoom() {
  const room = roomNamed(current);
  document.title = `${current} · Chat`;
  $('title').textContent = current;
  $('text').placeholder = `Message ${current}`;
  $('log').replaceChildren(...room.lines.map((entry, index) => logLine(entry, room.lines[index - 1], me)));
  if (room.lines.length === 0) {
    const hint = room.joined
      ? 'Nothing here yet. Say hello, or open a second window to talk to yourself.'
      : '';
    $('log').append(element('li', { className: 'empty' }, hint));
  }
  $('log').scrollTop = $('log').scrollHeight;
  $('newer').hidden = true;
  showRooms(rooms, current, SUGGESTED, { open, close });
  showPeople(room.people, me);
  showTyping([...room.typing.keys()]);
}

const isAtEnd = () => $('log').scrollHeight - $('log').scrollTop - $('log').clientHeight < 60;

/** Adds an entry to the log. Scrolls to it, unless the user has scrolled up to read older entries. */
function append(line, isMine) {
  const follow = isMine || isAtEnd();
  $('log').querySelector('.empty')?.remove();
  $('log').append(line);
  if (follow) $('log').scrollTop = $('log').scrollHeight;
  else $('newer').hidden = false;
}

$('log').addEventListener('scroll', () => {
  if (isAtEnd()) $('newer').hidden = true;
});
$('newer').addEventListener('click', () => {
  $('log').scrollTop = $('log').scrollHeight;
});

// ---- user input

/** Shows the entry at once as "sending", and marks it as sent or failed when the server responds. */
async function send(names, entry) {
  entry.state = 'sending';
  for (const name of names) add(name, entry);
  const { kind, author, text } = entry;
  try {
    if (kind === 'said') await connection.request('say', { author, text });
    else await connection.request('message', { author, text, room: names[0] });
    delete entry.state;
    entry.line?.removeAttribute('data-state');
  } catch (error) {
    entry.state = 'failed';
    entry.retry = () => {
      for (const name of names) remove(name, entry);
      showRoom();
      void send(names, { kind, author, text, at: new Date().toISOString() });
    };
    if (names.includes(current)) showRoom();
    notice(error.message);
  }
}

function remove(name, entry) {
  const room = rooms.get(name);
  if (room !== undefined) room.lines = room.lines.filter((other) => other !== entry);
}

function isEverywhere() {
  return $('everywhere').ariaPressed === 'true';
}

$('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('text').value.trim();
  $('text').focus();
  if (text === '') return;
  if (!connection.isOpen) return notice('Not connected. Your message stays in the field.');
  $('text').value = '';
  grow();
  lastTypingSent = 0;
  const kind = isEverywhere() ? 'said' : 'message';
  $('everywhere').ariaPressed = 'false';
  const names = kind === 'said' ? [...rooms.keys()] : [current];
  void send(names, { kind, author: me, text, at: new Date().toISOString() });
});

let lastTypingSent = 0;
$('text').addEventListener('input', () => {
  grow();
  if ($('text').value.trim() === '' || Date.now() - lastTypingSent < TYPING_SEND_INTERVAL) return;
  lastTypingSent = Date.now();
  connection.send('typing', { author: me, room: current });
});
$('text').addEventListener('keydown', (event) => {
  // while an input method composes, Enter picks a word
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $('composer').requestSubmit();
});

function grow() {
  $('text').style.height = 'auto';
  $('text').style.height = `${$('text').scrollHeight}px`;
}

$('everywhere').addEventListener('click', () => {
  $('everywhere').ariaPressed = String(!isEverywhere());
  $('text').focus();
});
$('join').addEventListener('submit', (event) => {
  event.preventDefault();
  const name = $('new-room').value.trim();
  $('new-room').value = '';
  if (name !== '') open(name);
});
$('status').addEventListener('click', () => connection.reconnect());
// reconnects at once when the network is available again
addEventListener('online', () => connection.reconnect());
$('transport').addEventListener('change', () => {
  sessionStorage.setItem('transport', $('transport').value);
  connect($('transport').value);
});
$('people-toggle').addEventListener('click', () => {
  const isShown = $('people').classList.toggle('shown');
  $('people-toggle').ariaExpanded = String(isShown);
});

let noticed;
function notice(text) {
  clearTimeout(noticed);
  $('notice').textContent = text;
  $('notice').hidden = false;
  noticed = setTimeout(() => ($('notice').hidden = true), 5_000);
}

// ---- name

$('me').addEventListener('click', askName);
$('welcome').addEventListener('close', () => {
  const name = $('name').value.trim();
  if (name === '') return me === '' ? askName() : undefined;
  const isFirst = me === '';
  me = name;
  sessionStorage.setItem('name', me);
  showMe();
  $('text').focus();
  if (isFirst && connection.isOpen) return void enter();
  connection
    .request('name', me)
    .then(() => connection.request('people', current))
    .then(received.people)
    .catch(() => undefined);
});

function askName() {
  $('name').value = me || suggestName();
  $('welcome').showModal();
  $('name').select();
}

function showMe() {
  $('me').replaceChildren(
    avatar(me),
    element('span', { className: 'name', dir: 'auto' }, me),
    element('i', {}, 'rename'),
  );
}

// ---- start

const fromHash = new URLSearchParams(location.hash.slice(1)).get('room')?.trim().slice(0, 40);
for (const name of JSON.parse(sessionStorage.getItem('rooms') ?? `["${LOBBY}"]`)) roomNamed(name);
open(fromHash || LOBBY);
if (me === '') askName();
else showMe();
$('transport').value = sessionStorage.getItem('transport') ?? 'websocket';
connect($('transport').value);
