import { Composer } from './composer.js';
import { ConnectPanel } from './connect-panel.js';
import { Connection } from './connection.js';
import { Contract } from './contract.js';
import { channelView, indexView, operationView, overview } from './detail.js';
import { $, h } from './dom.js';
import { readRoute, routeTo } from './route.js';
import { SessionPanel } from './session-panel.js';
import { Traffic } from './traffic.js';

async function load(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (response.ok) return response.json();
  const { message = '' } = await response.json().catch(() => ({}));
  throw new Error(`The server answered ${name} with status ${response.status}. ${message}`);
}

function start(contract, protocol) {
  const connection = new Connection();
  const traffic = new Traffic();
  const composer = new Composer(connection, contract, (channel) => panel.switchTo(channel));
  const panel = new ConnectPanel(connection, contract, protocol, (channel) => (composer.connected = channel));
  new SessionPanel(connection, protocol);
  connection.addEventListener('frame', ({ detail }) => traffic.add(detail));
  $('frames').addEventListener(
    'answer',
    ({ detail }) => connection.state === 'open' && connection.send(detail),
  );

  if (protocol.hasConsole)
    $('links').before(h('a', { id: 'console', href: new URL('console', import.meta.url).href }, 'Console'));
  document.title = contract.title;
  $('title').textContent = contract.title;
  $('version').hidden = contract.version === undefined;
  $('version').textContent = contract.version ?? '';

  const show = () => {
    const found = contract.find(readRoute());
    const { channel, operation } = found;
    $('index').replaceChildren(...indexView(contract, found));
    const view = operation
      ? operationView(contract, channel, operation)
      : channel
        ? channelView(channel)
        : overview(contract);
    $('detail').replaceChildren(h('div', null, view));
    $('contract').scrollTop = 0;
    composer.show(channel, operation);
    panel.propose(channel);
  };
  addEventListener('hashchange', () => {
    show();
    reveal();
  });
  $('index').addEventListener('click', ({ target }) => {
    // the same link again: the address does not change, so no hashchange follows
    if (target.closest('a')?.hash === location.hash) reveal();
  });
  const [first] = contract.channels;
  if (location.hash === '' && first !== undefined)
    history.replaceState(null, '', routeTo(first, first.receives[0]));
  show();
}

/** Scrolls to the chosen entry: on a narrow page it is below the list. */
function reveal() {
  if (matchMedia('(max-width: 600px)').matches) $('contract').scrollIntoView();
}

try {
  const [document_, protocol] = await Promise.all([load('asyncapi.json'), load('protocol.json')]);
  start(new Contract(document_), protocol);
} catch (error) {
  $('wire').hidden = true;
  $('detail').replaceChildren(
    h('h2', null, 'The contract cannot be shown'),
    h('p', { class: 'warning', role: 'alert' }, error.message),
    h('p', { class: 'prose' }, 'See the log of the application for details.'),
  );
}
