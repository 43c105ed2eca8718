/** Sets all content as text, never as HTML: it may come from other users. */

export const $ = (id) => document.getElementById(id);

/** Creates an element with properties and children. Strings become text nodes. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
