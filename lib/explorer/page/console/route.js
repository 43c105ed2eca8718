/**
 * Reads the view from the fragment of the page's address: `#/connections?user=ada` or `#/connections/node/id`. The names of a path
 * are percent-encoded, so that they may contain slashes.
 *
 * @returns `{ view, names, query }`; `query` is a URLSearchParams
 */
export function readRoute(hash = location.hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const [view = '', ...names] = path.split('/').map(decode);
  return { view, names, query: new URLSearchParams(query) };
}

/** Returns the address of a view. Empty values of the query are left out. */
export function routeTo(view, names = [], query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(given).toString();
  return `#/${[view, ...names].map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
