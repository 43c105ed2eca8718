import { chip, clock, element } from './view.js';

const MOST_LINES = 200;
/** The first letters of a token tell which it is; the rest is nobody's business. */
const TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]+/g;

/** What went over the wire, newest first. */
export class Journal {
  #list;

  constructor(list) {
    this.#list = list;
  }

  /** An HTTP status, a close code or another word, and what it was about. */
  note(code, subject, remark = '') {
    this.#add(
      chip(code),
      element('span', {}, subject, element('span', { className: 'remark' }, ` ${remark}`)),
    );
  }

  /** A message, as it is on the wire. */
  frame(direction, text) {
    const shown = text.replace(TOKEN, (token) => `${token.slice(0, 6)}…`);
    this.#add(
      element('span', { className: 'chip frame' }, direction),
      element('code', { title: shown }, shown),
    );
  }

  #add(...children) {
    const time = clock(Date.now(), { timeStyle: 'medium' });
    this.#list.prepend(element('li', {}, element('time', {}, time), ...children));
    while (this.#list.children.length > MOST_LINES) this.#list.lastChild.remove();
  }
}
