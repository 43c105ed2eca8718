import { $ } from '../dom.js';
import { clock } from './format.js';

const LABELS = {
  connecting: 'Connecting…',
  open: 'Connected',
  waiting: 'Connection lost',
  refused: 'Refused',
  ended: 'Disconnected',
};

/** Shows the state of the connection in the header. Its label is announced: it does not change with each attempt to reconnect. */
export class StatePanel {
  #connection;
  #detail = '';
  #timer = undefined;
  /** Whether the connection was lost, and is not open again. */
  #isLost = false;

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
    this.#isLost = state === 'waiting' || (state === 'connecting' && this.#isLost);
    $('state').dataset.state = state;
    const text = LABELS[this.#isLost ? 'waiting' : state];
    const label = $('state').querySelector('b');
    if (label.textContent !== text) label.textContent = text;
    const isFocused = document.activeElement === $('retry');
    $('retry').hidden = !this.#isLost;
    if (isFocused && !this.#isLost) $('view').focus();
    this.#showAge(state === 'open');
    clearInterval(this.#timer);
    if (state === 'waiting') this.#timer = setInterval(() => this.#showDetail(), 1_000);
    this.#showDetail();
  }

  #showAge(isCurrent) {
    document.body.toggleAttribute('data-stale', !isCurrent);
    if (this.#isLost && $('stale').hidden)
      $('stale').textContent = `There is no connection. What is shown is as of ${clock(Date.now())}.`;
    $('stale').hidden = !this.#isLost;
  }

  #showDetail() {
    const { state, retryAt } = this.#connection;
    const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1_000));
    $('state-detail').textContent =
      state === 'open'
        ? this.#detail
        : state === 'waiting'
          ? `reconnects in ${seconds} s`
          : this.#isLost
            ? 'connecting…'
            : '';
  }
}
