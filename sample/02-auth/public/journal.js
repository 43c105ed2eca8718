import { element } from './elements.js';
import { chip, clock } from './view.js';

const MAX_LINES = 200;
/** The journal shows only the first letters of a token: enough to recognise it, and useless to a reader. */
const TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]+/g;

/** Lists all requests and messages, newest first. */
export class Journal {
  #list;

  constructor(list) {
    this.#list = list;
  }

  /** Adds an HTTP status or a close code, and what it belongs to. */
  note(code, subject, remark = '') {
    this.#add(
      chip(code),
      element('span', {}, subject, element('span', { className: 'remark' }, ` ${remark}`)),
    );
  }

  /** Adds a message as it was sent or received. */
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
    while (this.#list.children.length > MAX_LINES) this.#list.lastChild.remove();
  }
}
