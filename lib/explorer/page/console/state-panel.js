import { $ } from '../dom.js';

const LABELS = {
  connecting: 'Connecting…',
  open: 'Connected',
  waiting: 'Connection lost',
  refused: 'Refused',
  ended: 'Disconnected',
};

/** Shows the state of the connection in the header. Only a change of the state is announced, not the seconds that pass. */
export class StatePanel {
  #connection;
  #detail = '';
  #timer = undefined;

  constructor(connection) {
    this.#connection = connection;
    connection.addEventListener('state', () => this.#show());
    $('retry').addEventListener('click', () => connection.connect());
  }

  /** What is shown beside "Connected". */
  set detail(text) {
    this.#detail = text;
    this.#showDetail();
  }

  #show() {
    const { state } = this.#connection;
    $('state').dataset.state = state;
    const label = $('state').querySelector('b');
    if (label.textContent !== LABELS[state]) label.textContent = LABELS[state];
    $('retry').hidden = state !== 'waiting';
    // what is shown was true before, until new figures arrive
    document.body.toggleAttribute('data-stale', state !== 'open');
    clearInterval(this.#timer);
    if (state === 'waiting') this.#timer = setInterval(() => this.#showDetail(), 1_000);
    this.#showDetail();
  }

  #showDetail() {
    const { state, retryAt } = this.#connection;
    const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1_000));
    $('state-detail').textContent =
      state === 'open' ? this.#detail : state === 'waiting' ? `reconnects in ${seconds} s` : '';
  }
}
