import { $, copyText, flash } from './dom.js';
import { frameBody, frameRow, textOf } from './frame.js';

/** Number of frames in the list. Older ones are removed. */
const MAX_FRAMES = 2_000;

/** The list of all frames. After each rendering it waits as long as that took: a flood of frames leaves time for clicks. */
export class Traffic {
  #list = $('frames');
  #rows = [];
  #waiting = [];
  #isPaused = false;
  #isDrawing = false;
  /** Whether the list scrolls to new frames. It stops when the user scrolls up. */
  #isFollowing = true;
  #height = 0;
  #needle = '';

  constructor() {
    $('filter').addEventListener('input', () => this.#filter());
    $('pause').addEventListener('click', () => this.#pause());
    $('clear').addEventListener('click', () => this.clear());
    $('copy').addEventListener('click', () => void this.#copy());
    this.#list.addEventListener('toggle', (event) => this.#open(event.target), true);
    this.#list.addEventListener('scroll', () => {
      const { scrollHeight, scrollTop, clientHeight } = this.#list;
      // the list was resized, the user did not scroll
      if (clientHeight !== this.#height) return;
      this.#follow(scrollHeight - scrollTop - clientHeight < 10, false);
    });
    $('newest').addEventListener('click', () => this.#follow(true));
    new ResizeObserver(() => {
      this.#height = this.#list.clientHeight;
      this.#toEnd();
    }).observe(this.#list);
    this.#list.addEventListener('click', ({ target }) => this.#goTo(target.closest('[data-link]')));
    this.#count();
  }

  add(frame) {
    if (frame.kind === 'opened') this.#follow(true);
    this.#waiting.push(frame);
    if (this.#waiting.length > 2 * MAX_FRAMES) this.#waiting.splice(0, MAX_FRAMES);
    if (this.#isPaused) this.#count();
    else this.#drawSoon();
  }

  clear() {
    this.#waiting = [];
    this.#rows = [];
    this.#list.replaceChildren();
    this.#count();
    this.#follow(true);
  }

  #drawSoon() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      const start = performance.now();
      if (!this.#isPaused) this.#draw();
      setTimeout(() => this.#drawn(), performance.now() - start);
    });
  }

  #drawn() {
    this.#isDrawing = false;
    if (!this.#isPaused && this.#waiting.length > 0) this.#drawSoon();
  }

  #draw() {
    const list = this.#list;
    const rows = this.#waiting.splice(0).slice(-MAX_FRAMES).map(frameRow);
    for (const row of rows) {
      row.hidden = !this.#matches(row.frame);
      row.frame.request?.row?.answered(row.frame);
    }
    this.#rows.push(...rows);
    for (const row of this.#rows.splice(0, Math.max(0, this.#rows.length - MAX_FRAMES))) row.remove();
    list.append(...rows);
    this.#count();
    this.#toEnd();
  }

  #follow(isFollowing, isMoving = true) {
    this.#isFollowing = isFollowing;
    $('newest').hidden = isFollowing;
    if (isMoving) this.#toEnd();
  }

  #toEnd() {
    if (this.#isFollowing) this.#list.scrollTop = this.#list.scrollHeight;
  }

  /** Renders the whole frame when the user opens its row. */
  #open(details) {
    const row = details.closest('li');
    if (!details.open || details.children.length > 1) return;
    details.append(frameBody(row.frame));
    this.#follow(row === this.#rows.at(-1));
  }

  #matches({ text, detail = '' }) {
    return this.#needle === '' || `${text} ${detail}`.toLowerCase().includes(this.#needle);
  }

  #filter() {
    this.#needle = $('filter').value.trim().toLowerCase();
    for (const row of this.#rows) row.hidden = !this.#matches(row.frame);
    this.#count();
    this.#follow(true);
  }

  #pause() {
    this.#isPaused = !this.#isPaused;
    $('pause').setAttribute('aria-pressed', String(this.#isPaused));
    if (!this.#isPaused) this.#draw();
    this.#count();
  }

  /** Scrolls from an answer to its request, and back. */
  #goTo(link) {
    const row = link?.linked?.row;
    if (row === undefined || !row.isConnected) return;
    row.hidden = false;
    row.scrollIntoView({ block: 'center' });
    row.classList.remove('found');
    void row.offsetWidth; // restarts the animation
    row.classList.add('found');
    row.querySelector('summary')?.focus({ preventScroll: true });
  }

  async #copy() {
    const shown = this.#rows.filter((row) => !row.hidden).map(({ frame }) => textOf(frame));
    flash($('copy'), (await copyText(shown.join('\n'))) ? 'Copied' : 'Not allowed');
  }

  #count() {
    const waiting = this.#isPaused ? this.#waiting.length : 0;
    $('pause').textContent = this.#isPaused ? `Resume${waiting > 0 ? ` (${waiting})` : ''}` : 'Pause';
    const isNoneShown = this.#rows.every((row) => row.hidden);
    $('no-frames').hidden = !isNoneShown;
    $('no-frames').textContent =
      this.#rows.length === 0
        ? 'This list shows every frame of the connection, in both directions.'
        : `No frame contains “${this.#needle}”.`;
    this.#list.hidden = isNoneShown;
  }
}
