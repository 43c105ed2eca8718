import { h } from '../dom.js';
import { plural } from './format.js';

/** A notice above a list: which nodes are missing in it. */
export class MissingNodes {
  element = h('p', { class: 'notice bad', role: 'status', hidden: true });

  /** @param overview for the names of nodes */
  show({ silent, unknown }, overview) {
    const names = silent.map((id) => overview?.nodes.find((node) => node.id === id)?.name ?? id);
    const parts = [
      names.length > 0 && `No answer from ${names.join(', ')}.`,
      unknown > 0 && `${plural(unknown, 'further node')} of the broker without an answer.`,
    ].filter(Boolean);
    const has = names.length + unknown === 1 ? 'it has' : 'they have';
    const text = parts.length === 0 ? '' : `${parts.join(' ')} What ${has} is missing here.`;
    this.element.hidden = text === '';
    if (this.element.textContent !== text) this.element.textContent = text;
  }
}
