import { $, element } from './elements.js';
import { Connection } from './envelope-connection.js';
import { suggestName } from './suggest-name.js';
import { messageLine, noteLine, showRoster, workerTag } from './view.js';

const MAX_LINES = 300;

const url = new URL('/ws', location.href);
url.protocol = url.protocol.replace('http', 'ws');
const connection = new Connection(url);

let me = sessionStorage.getItem('name') ?? suggestName();
/** The worker of this connection, and the members on each worker. */
let worker;
let roster = { state: 'connected', nodes: 1, workers: [] };

// ---- connection state

connection.addEventListener('state', ({ detail: { state, code, until } }) => {
  const texts = { connecting: 'Connecting', open: 'Connected', waiting: 'Reconnecting' };
  $('status').dataset.state = state;
  if ($('status').textContent !== texts[state]) $('status').textContent = texts[state];
  if (state === 'open') void join();
  if (state !== 'waiting' || worker === undefined) return;
  const why = code === 1001 ? 'closed the connection (1001)' : `disconnected (${code})`;
  note(workerTag(worker), ` ${why}, reconnecting in ${((until - Date.now()) / 1_000).toFixed(1)} s`);
  worker = undefined;
  show();
});

/** Joins the room. Needed after each connection: no worker keeps a member whose connection ended. */
async function join() {
  try {
    const joined = await connection.request('join', { name: me });
    if (joined.worker !== worker) note('You are on ', workerTag(joined.worker));
    worker = joined.worker;
    roster = joined.roster;
    show();
  } catch (error) {
    note(error.message);
  }
}

$('reconnect').addEventListener('click', () => {
  worker = undefined;
  show();
  connection.close();
  connection.reconnect();
});

// ---- events from the server

const received = {
  message: (message) => add(messageLine(message, message.name === me)),
  roster(seen) {
    roster = seen;
    show();
  },
  exception: ({ message }) => note([message].flat().join(', ')),
};

connection.addEventListener('event', ({ detail: { event, data } }) => {
  if (Object.hasOwn(received, event)) received[event](data);
});

// ---- user input

$('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('text').value.trim();
  if (text === '') return;
  if (!connection.isOpen) return note('Not connected: your message stays in the field');
  connection.request('message', { text }).catch((error) => note(`Not sent: ${error.message}`));
  $('text').value = '';
});

$('rename').addEventListener('change', () => $('rename').requestSubmit());
$('rename').addEventListener('submit', (event) => {
  event.preventDefault();
  me = $('name').value.trim();
  sessionStorage.setItem('name', me);
  $('text').focus();
  if (connection.isOpen) void join();
});

// ---- rendering

function add(line) {
  $('log').append(line);
  while ($('log').children.length > MAX_LINES) $('log').firstChild.remove();
  $('log').scrollTop = $('log').scrollHeight;
}

function note(...children) {
  add(noteLine(...children));
}

function show() {
  const isKnown = worker !== undefined;
  $('worker').replaceChildren(isKnown ? workerTag(worker) : element('span', { className: 'soft' }, 'none'));
  $('how-to-kill').style.visibility = isKnown ? '' : 'hidden';
  $('kill').textContent = isKnown ? `kill -9 ${Number.parseInt(worker, 10)}` : '';
  showRoster(roster, worker);
}

$('name').value = me;
sessionStorage.setItem('name', me);
$('text').focus();
connection.reconnect();
