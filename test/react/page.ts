import { Window } from 'happy-dom';

/**
 * The simulated page of these tests. React and the testing library read these globals when they are loaded, so import this file
 * first. The WebSocket, timers and everything else are those of Node.
 */
const page = new Window({ url: 'http://127.0.0.1/' });
const GLOBALS = { window: page, document: page.document };

/** Makes the page visible to React and to this package, or hides it, as on a server. */
export function showPage(isShown: boolean): void {
  for (const [name, value] of Object.entries(GLOBALS))
    if (isShown) Reflect.set(globalThis, name, value);
    else Reflect.deleteProperty(globalThis, name);
}

/** The text of the page. */
export const text = (): string => page.document.body.textContent;

/** Returns an empty element of the page. */
export function element(html = ''): never {
  const created = page.document.createElement('div');
  created.innerHTML = html;
  page.document.body.appendChild(created);
  return created as never;
}

showPage(true);
// listeners of `window`, such as those of scheduled work, belong to it
for (const name of ['HTMLIFrameElement', 'HTMLElement', 'Element', 'Node'] as const)
  Reflect.set(globalThis, name, page[name]);
