import { h } from '../dom.js';
import { KINDS } from './connections-view.js';
import { bytes, count, duration, moment, plural } from './format.js';
import { FramesPanel } from './frames-panel.js';
import { Poll } from './poll.js';
import { routeTo } from './route.js';
import { Table } from './table.js';

const REFRESH = 2_000;

/** One connection: what is known of it, its rooms, its frames, and actions. */
export class ConnectionView {
  title = 'Connection';
  #context;
  #address;
  #poll;
  #frames;
  #notice = h('p', { class: 'notice', role: 'status', hidden: true });
  #actions = h('div', { class: 'actions' });
  #facts = h('dl', { class: 'facts' });
  #rooms;
  /** Whether this node or that of the connection refuses actions. */
  #isReadOnly;
  /** What the actions were made for: they are made again only if that changes. */
  #known = '';

  constructor(context, { names: [node, id] }) {
    this.#context = context;
    this.#address = { node, id };
    this.#frames = new FramesPanel(context, this.#address);
    this.#isReadOnly =
      context.hello.readOnly ||
      context.watch.overview?.nodes.find((one) => one.id === node)?.readOnly === true;
    this.#rooms = roomsTable(context, this.#isReadOnly);
    this.element = h(
      'div',
      null,
      h('p', { class: 'crumbs' }, h('a', { href: routeTo('connections') }, 'Connections')),
      h('div', { class: 'title' }, h('h2', { tabindex: '-1' }, h('code', null, id)), this.#actions),
      this.#notice,
      h(
        'div',
        { class: 'stale stack' },
        h('section', { class: 'card', 'aria-label': 'Facts' }, this.#facts),
        h('section', { class: 'card' }, this.#rooms.element),
        this.#frames.element,
      ),
    );
    this.#poll = new Poll(
      () => this.#load(),
      REFRESH,
      (error) => this.#failed(error),
    );
    this.#poll.start();
  }

  close() {
    this.#poll.close();
    this.#frames.close();
  }

  /** Requests the connection at once, after an action. */
  refresh() {
    this.#poll.now();
  }

  async #load() {
    const detail = await this.#context.request('details', this.#address);
    this.#notice.hidden = true;
    this.#showActions(detail);
    this.#showFacts(detail);
    this.#showRooms(detail);
  }

  #failed(error) {
    if (error.code !== 'not_found' && error.code !== 'silent') return;
    this.#notice.hidden = false;
    this.#notice.textContent =
      error.code === 'silent'
        ? 'The node of this connection does not answer. What is shown was true before.'
        : this.#known === ''
          ? 'No node has a connection with this id. It has ended.'
          : 'The connection has ended. What is shown was true before.';
    if (error.code === 'silent') return;
    this.#poll.stop();
    this.#frames.end();
    this.#actions.replaceChildren();
    this.#rooms.update([]);
  }

  #showActions(detail) {
    const { node, id, user, namespace, address } = detail;
    const known = JSON.stringify([user, namespace, address]);
    if (known === this.#known) return;
    this.#known = known;
    if (this.#isReadOnly) return;
    const { buttons } = this.#context.actions;
    const all = [
      buttons.emit({ namespace, id, node }),
      buttons.join({ node, id }),
      buttons.block({ address, user }),
      user !== undefined && buttons.disconnectUser({ user, namespace, node }),
      buttons.disconnect({ node, id, user, address }),
    ];
    this.#actions.replaceChildren(...all.filter(Boolean));
  }

  #showFacts(detail) {
    const { namespace, user, address, kind, transport, protocol, nodeName, connectedAt, expiresAt } = detail;
    const now = Date.now();
    const facts = [
      ['User', user, user && routeTo('connections', [], { namespace, user })],
      ['Namespace', namespace, routeTo('connections', [], { namespace })],
      ['Address', address, routeTo('connections', [], { address })],
      ['Client', [KINDS[kind] ?? kind, transport, protocol].filter(Boolean).join(', ')],
      ['Connected', `${moment(connectedAt)}, for ${duration(now - connectedAt)}`],
      ['Expires', expiresAt && `${moment(expiresAt)}, in ${duration(expiresAt - now)}`],
      [
        'Node',
        this.#isReadOnly ? `${nodeName}, no actions: read-only` : nodeName,
        routeTo('connections', [], { node: detail.node }),
      ],
      ['Waiting to be sent', bytes(detail.buffered)],
      ['In flight', plural(detail.inFlight, 'message')],
      ['Recovered', detail.recovered ? 'yes, its session' : 'no'],
      ['Request id', detail.requestId],
      ['Origin', detail.origin],
      ['User agent', detail.userAgent],
    ].filter(([, value]) => value !== undefined && value !== '');
    facts.forEach(([term, value, href], index) => {
      const entry = this.#facts.children[index] ?? this.#facts.appendChild(h('div', null, h('dt'), h('dd')));
      const [dt, dd] = entry.children;
      entry.classList.toggle('long', value.length > 40);
      if (dt.textContent !== term) dt.textContent = term;
      if (dd.textContent === value && dd.firstElementChild?.getAttribute('href') === href) return;
      dd.replaceChildren(href === undefined ? h('span', null, value) : h('a', { href }, value));
    });
    while (this.#facts.children.length > facts.length) this.#facts.lastElementChild.remove();
  }

  #showRooms({ node, id, rooms, roomNames, namespace }) {
    this.#rooms.note =
      rooms > roomNames.length ? `${count(roomNames.length)} of ${count(rooms)}` : count(rooms);
    this.#rooms.update(roomNames.map((room) => ({ node, id, namespace, room })));
  }
}

function roomsTable({ actions }, isReadOnly) {
  const leave = {
    title: 'Action',
    isEnd: true,
    control: (row) => {
      const button = actions.buttons.leave(row);
      button.setAttribute('aria-label', `Leave the room ${row.room}`);
      return button;
    },
  };
  return new Table({
    caption: 'Rooms',
    keyOf: ({ room }) => room,
    empty: 'In no room.',
    columns: [
      {
        title: 'Room',
        text: ({ room }) => room,
        href: ({ namespace, room }) => routeTo('connections', [], { namespace, room }),
      },
      ...(isReadOnly ? [] : [leave]),
    ],
  });
}
