import { h } from '../dom.js';

/**
 * Returns the view that explains why the console is not connected, with a field for a token. The token stays in the memory of the
 * page.
 *
 * @param reason what happened, as `{ title, text, hints }`
 * @param signIn called with the token; `undefined` to connect with the cookies of the page
 */
export function signInView({ title, text, hints = [] }, signIn) {
  const token = h('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'current-password',
    spellcheck: 'false',
    'aria-describedby': 'token-hint',
  });
  const submit = (event) => {
    event.preventDefault();
    signIn(token.value.trim() === '' ? undefined : token.value.trim());
  };
  return h(
    'section',
    { class: 'sign-in card', 'aria-labelledby': 'sign-in-title' },
    h('h2', { id: 'sign-in-title', tabindex: '-1' }, title),
    h('p', { class: 'prose', role: 'alert' }, text),
    hints.length > 0 &&
      h(
        'ul',
        null,
        hints.map((hint) => h('li', null, hint)),
      ),
    h(
      'form',
      { onsubmit: submit },
      h('div', { class: 'stacked' }, h('label', { for: 'token' }, 'Token'), token),
      h(
        'p',
        { id: 'token-hint', class: 'hint' },
        'Sent as a subprotocol, never in an address, and not stored. Without a token, the cookies of this page decide.',
      ),
      h('footer', null, h('button', { class: 'primary' }, 'Connect')),
    ),
  );
}

/** Why a connection was refused before it was open. Browsers hide the status, so these are the usual reasons. */
export const REFUSED = {
  title: 'The server refused this page',
  text: 'The guards of the console did not accept you, or a limit was reached. Browsers hide the reason.',
  hints: [
    '401 or 403 in the network tab of the developer tools: a guard. Sign in to the application, or enter a token.',
    '403 with your own session: the origin of this page is not allowed.',
    '429: your address or user is blocked, or has too many consoles. Blocks do not count through a tunnel to the node.',
    '503: a server that is starting or ending.',
    '404: a proxy does not pass WebSockets on, or changes the path.',
    'The log of the application names foreign origins, blocks, limits, mistakes of proxies and refused tokens.',
  ],
};

/** Returns why an open connection ended for good. */
export function endedBy({ code, reason }, closeCodes) {
  const means = closeCodes.find((one) => one.code === code)?.means ?? 'a code of the application';
  return {
    title: 'The server closed the connection',
    text: [`Close code ${code}: ${means}.`, reason && `Reason: “${reason}”.`].filter(Boolean).join(' '),
  };
}
