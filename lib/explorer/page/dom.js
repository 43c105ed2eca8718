export const $ = (id) => document.getElementById(id);

/**
 * An element. Texts become text nodes: nothing that a server or a contract says is ever read as HTML.
 *
 * @param attributes `onclick` and the like are listeners; `false` and `undefined` leave an attribute out
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

/** A text of the contract as a paragraph; `undefined` where there is none. */
export function prose(text) {
  if (typeof text !== 'string' || text === '') return undefined;
  return h('p', { class: 'prose' }, inline(text));
}

/** Marks are within a line, and around whole words: neither `2*3*4` nor a lone star is emphasis. */
const MARKS =
  /`(?<code>[^`\n]+)`|(?<![\w*])(?:\*\*(?<strong>[^\s*](?:[^*\n]*[^\s*])?)\*\*|\*(?<em>[^\s*](?:[^*\n]*[^\s*])?)\*)(?![\w*])/g;

/** What there is of Markdown in a text of the contract: code in backquotes, `**bold**` and `*emphasis*`. */
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

/** Whatever a server put where a text was expected: an object may have a `toString` that is none. */
export const asText = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

/** Copies a text; resolves with whether that went well. Pages that are not from localhost or https have no clipboard. */
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

/** A button that says for a moment what came of it. */
export function say(button, text) {
  button.dataset.label ??= button.textContent;
  button.textContent = text;
  clearTimeout(Number(button.dataset.timer));
  button.dataset.timer = setTimeout(() => (button.textContent = button.dataset.label), 1200);
}
