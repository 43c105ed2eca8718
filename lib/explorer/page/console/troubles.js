import { $ } from '../dom.js';

/** Milliseconds that the result of an action is shown. It stays in the audit log. */
const SHOWN = 8_000;
/** Codes that a view explains itself, or that pass. */
const EXPLAINED = ['not_found', 'silent', 'busy'];

/** The requests that fail at present, and the results of actions. */
export class Troubles {
  #messages = new Map();
  #timer = undefined;

  /** A request of this event has failed. */
  begin(event, { code, message }) {
    if (EXPLAINED.includes(code)) return;
    this.#messages.set(event, message);
    this.#show();
  }

  /** A request of this event has succeeded. */
  end(event) {
    if (this.#messages.delete(event)) this.#show();
  }

  clear() {
    this.#messages.clear();
    this.#show();
  }

  /** Shows the result of an action, and has screen readers say it. */
  tell(text) {
    $('news').textContent = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => ($('news').textContent = ''), SHOWN);
  }

  #show() {
    const text = [...new Set(this.#messages.values())].join(' ');
    $('trouble').hidden = text === '';
    if ($('trouble').textContent !== text) $('trouble').textContent = text;
  }
}
