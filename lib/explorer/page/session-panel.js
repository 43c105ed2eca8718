import { $, asText, h } from './dom.js';
import { showMilliseconds, Timings } from './timings.js';

/** Milliseconds between a frame and the request for the rooms. */
const ROOMS_DELAY = 300;

/** Shows the session of the connection, its rooms, and the round-trip times. */
export class SessionPanel {
  #connection;
  #hasSessions;
  #timings = new Timings();
  #rooms = undefined;
  #isScheduled = false;

  constructor(connection, { hasSessions }) {
    this.#connection = connection;
    this.#hasSessions = hasSessions;
    connection.addEventListener('state', () => {
      if (connection.state === 'connecting') this.#begin();
      this.#show();
    });
    connection.addEventListener('session', () => this.#show());
    connection.addEventListener('frame', ({ detail }) => this.#received(detail));
  }

  #begin() {
    this.#timings.clear();
    this.#rooms = undefined;
    this.#showTimings();
  }

  #received(frame) {
    // the first value of a stream is not a final answer, and its delay depends on the source
    if (frame.isFirst && frame.request.envelope.stream !== true) {
      this.#timings.add(frame.roundTrip);
      this.#showTimings();
    }
    if (this.#hasSessions && this.#connection.session !== undefined) this.#scheduleRooms();
  }

  /**
   * Requests the rooms once for a burst of frames. The timer is not restarted, so that steady traffic does not postpone it
   * forever.
   */
  #scheduleRooms() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setTimeout(() => {
      this.#isScheduled = false;
      void this.#loadRooms();
    }, ROOMS_DELAY);
  }

  async #loadRooms() {
    const id = this.#connection.session?.id;
    if (id === undefined || this.#connection.state !== 'open') return;
    const address = new URL(`sockets/${encodeURIComponent(id)}`, import.meta.url);
    const rooms = await fetch(address, { headers: { Accept: 'application/json' } })
      .then((response) => (response.ok ? response.json() : { rooms: null }))
      .then((session) => session.rooms)
      .catch(() => null);
    if (id !== this.#connection.session?.id) return;
    // do not redraw unchanged rooms: that would clear the user's text selection
    if (JSON.stringify(rooms) === JSON.stringify(this.#rooms)) return;
    this.#rooms = rooms;
    this.#show();
  }

  #show() {
    const { session, state } = this.#connection;
    $('session').hidden = state !== 'open' || session === undefined;
    if ($('session').hidden) return;
    const { id, recovered, pingInterval, maxPayload, features } = session;
    $('session')
      .querySelector('summary')
      .replaceChildren(
        h('code', { class: 'session-id', title: 'The id of the session' }, asText(id)),
        ...(recovered === true ? [h('span', { class: 'tag' }, 'recovered')] : []),
        h('span', { class: 'soft' }, 'rooms'),
        this.#roomsView(),
      );
    const rows = [
      ['Pings', pingInterval > 0 ? `every ${pingInterval / 1_000} s` : 'none'],
      ['Largest message', maxPayload > 0 ? `${maxPayload.toLocaleString('en')} B` : 'any'],
      ['Features', Array.isArray(features) ? features.map(asText).join(', ') : ''],
    ];
    $('session')
      .querySelector('dl')
      .replaceChildren(
        ...rows.map(([term, value]) => h('div', null, h('dt', null, term), h('dd', null, value))),
      );
  }

  #roomsView() {
    if (!this.#hasSessions) return h('span', { class: 'soft' }, 'shown in development only');
    if (this.#rooms === undefined) return h('span', { class: 'soft' }, '…');
    if (this.#rooms === null)
      return h('span', { class: 'soft' }, 'unknown: the connection may be on another process');
    if (this.#rooms.length === 0) return h('span', { class: 'soft' }, 'none');
    return h(
      'span',
      { class: 'rooms' },
      this.#rooms.map((room) => h('code', null, room)),
    );
  }

  #showTimings() {
    const { count, last, median, p95 } = this.#timings;
    $('timings').hidden = count === 0;
    if (count === 0) return;
    const figure = (name, value) => h('span', null, `${name} `, h('b', null, value));
    $('timings').replaceChildren(
      figure(count === 1 ? 'answer' : 'answers', count.toLocaleString('en')),
      figure('last', showMilliseconds(last)),
      figure('median', showMilliseconds(median)),
      figure('p95', showMilliseconds(p95)),
    );
  }
}
