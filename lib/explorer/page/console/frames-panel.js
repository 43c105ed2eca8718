import { h } from '../dom.js';
import { bytes, clock, count } from './format.js';
import { Poll } from './poll.js';

/** Milliseconds between two requests for frames. */
const REFRESH = 500;
/** Number of frames in the list. Older ones are removed. */
const MAX_FRAMES = 500;

/** The frames of one connection while the user watches. The node records them only then. */
export class FramesPanel {
  #context;
  #address;
  #poll;
  #after = 0;
  #button = h('button', { type: 'button', onclick: () => this.#toggle() }, 'Watch');
  #summary = h('p', { class: 'hint' });
  #list = h('ol', { class: 'frames', tabindex: '0', 'aria-label': 'Frames, the newest first', hidden: true });

  constructor(context, address) {
    this.#context = context;
    this.#address = address;
    this.#poll = new Poll(
      () => this.#load(),
      REFRESH,
      (error) => this.#failed(error),
    );
    this.#summary.textContent = 'The node records frames only while you watch.';
    this.element = h(
      'section',
      { class: 'card', 'aria-labelledby': 'frames-title' },
      h('header', { class: 'card-title' }, h('h3', { id: 'frames-title' }, 'Frames'), this.#button),
      this.#summary,
      this.#list,
    );
  }

  close() {
    this.#poll.close();
  }

  /** Stops, because the connection has ended. The frames stay. */
  end() {
    this.#poll.stop();
    this.#button.hidden = true;
  }

  #toggle() {
    if (this.#poll.isActive) this.#poll.stop();
    else this.#poll.start();
    this.#showButton();
  }

  #showButton() {
    this.#button.textContent = this.#poll.isActive ? 'Stop' : 'Watch';
  }

  async #load() {
    const { frames, next, total, skipped, ended, payloads } = await this.#context.request('frames', {
      ...this.#address,
      after: this.#after,
    });
    if (total < this.#after) {
      // the node had stopped to record, and begins to count anew
      this.#after = 0;
      return this.#load();
    }
    this.#after = next;
    this.#list.prepend(...frames.toReversed().map(frameRow));
    while (this.#list.children.length > MAX_FRAMES) this.#list.lastElementChild.remove();
    this.#list.hidden = this.#list.children.length === 0;
    this.#summary.textContent = [
      `${count(total - skipped)} of ${count(total)} frames recorded${skipped > 0 ? ', at most 50 in a second' : ''}.`,
      !payloads && 'The node hides payloads.',
      ended && 'The connection has ended.',
    ]
      .filter(Boolean)
      .join(' ');
    if (ended) this.end();
  }

  #failed(error) {
    this.#summary.textContent = error.message;
  }
}

function frameRow({ at, direction, bytes: size, isBinary, event, request, isAnswer, payload }) {
  const isIn = direction === 'in';
  const title = event ?? (isAnswer ? 'answer' : isBinary ? 'binary' : 'frame');
  return h(
    'li',
    { class: isIn ? 'out' : 'in', 'data-exception': event === 'exception' },
    h(
      'span',
      { class: 'sign', role: 'img', 'aria-label': isIn ? 'from the client' : 'to the client' },
      isIn ? '↑' : '↓',
    ),
    h('b', null, title),
    request !== undefined && h('span', { class: 'soft' }, isAnswer ? `answers #${request}` : `#${request}`),
    h('span', { class: 'size' }, bytes(size)),
    h('time', null, clock(at)),
    payload !== undefined && h('code', null, payload),
  );
}
