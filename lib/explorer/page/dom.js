export const $ = (id) => document.getElementById(id);

/**
 * Creates an element. Strings become text nodes, so that no text of a server or a contract is parsed as HTML.
 *
 * @param attributes a function, such as `onclick`, is a listener; `false` and `undefined` omit an attribute
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== false));
  return element;
}

/** Returns a text of the contract as a paragraph; `undefined` for an empty text. */
export function prose(text) {
  if (typeof text !== 'string' || text === '') return undefined;
  return h('p', { class: 'prose' }, inline(text));
}

/** Marks within a line and around whole words: neither `2*3*4` nor a single star is emphasis. */
const MARKS =
  /`(?<code>[^`\n]+)`|(?<![\w*])(?:\*\*(?<strong>[^\s*](?:[^*\n]*[^\s*])?)\*\*|\*(?<em>[^\s*](?:[^*\n]*[^\s*])?)\*)(?![\w*])/g;

/** Renders the supported Markdown in a text of the contract: code in backquotes, `**bold**` and `*emphasis*`. */
export function inline(text) {
  const parts = [];
  let end = 0;
  for (const { 0: whole, index, groups } of text.matchAll(MARKS)) {
    const [tag, inner] = Object.entries(groups).find(([, found]) => found !== undefined);
    parts.push(text.slice(end, index), h(tag, null, tag === 'code' ? inner : inline(inner)));
    end = index + whole.length;
  }
  return [...parts, text.slice(end)];
}

/** Returns a value from the server as text. An object may have a `toString` that is not a function. */
export const asText = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

/** Copies a text, and resolves to whether that succeeded. Pages without localhost or https have no clipboard API. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h('textarea', { class: 'unseen' });
    area.value = text;
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand('copy');
    area.remove();
    return isCopied;
  }
}

/** Shows a result on a button for 1.2 seconds. */
export function flash(button, text) {
  button.dataset.label ??= button.textContent;
  button.textContent = text;
  clearTimeout(Number(button.dataset.timer));
  button.dataset.timer = setTimeout(() => (button.textContent = button.dataset.label), 1200);
}
