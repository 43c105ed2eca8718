import { compilePath, normalisePath, pathOf } from '../../lib/upgrade/path.js';
import { check, fuzz } from './fuzz.js';
import { Mutator } from './mutator.js';

const TARGETS = [
  ...[
    '/',
    '/ws',
    '/ws/',
    '//ws',
    '/ws/room/1?token=a',
    '/ws/%C3%BC',
    '/ws/a%2Fb',
    '/ws/%',
    '/ws/%ff',
    '/ws/%zz',
  ],
  ...[
    'http://host/ws',
    '*',
    '',
    'ws',
    '?x',
    '#x',
    '/?',
    '/#',
    '/ws/../admin',
    '/ws/./x',
    '/ws;a=b/x',
    '/ws\\x',
  ],
  ...['/ws/__proto__/x', '/ws/constructor', '/files/a/b/c', '/files//a', '/😀', '/\u0000', '/ws/:room'],
];
const TOKENS = [
  ...[
    '/',
    '//',
    '/./',
    '/../',
    '?',
    '#',
    '%',
    '%2F',
    '%2f',
    '%00',
    '%C3%BC',
    '%ff',
    '%E2%82',
    '%u0041',
    '\\',
    ':',
    '*',
  ],
  ...[
    '__proto__',
    'constructor',
    'ws',
    'room',
    'files',
    ' ',
    '\t',
    '\r\n',
    '\u2028',
    'ü',
    '\ud83d',
    '{',
    '"',
    '(',
    '..',
  ],
];
const targets = new Mutator(TARGETS, TOKENS);
const PATTERNS = ['/ws/:room', '/ws/:room/:id', '/files/*path', '/:a{/:b}', '/ws/:__proto__'].map(
  (pattern) => ({
    pattern,
    match: compilePath(pattern),
  }),
);
const own = Object.getOwnPropertyNames(Object.prototype).length;

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/** Some characters have no place in a URL (RFC 3986, section 2). */
function quoted(char: string): string {
  return '"<>\\^`{}'.includes(char) ? `%${char.charCodeAt(0).toString(16).toUpperCase()}` : char;
}

/** What a pattern without wildcards gives, by its segments. */
function paramsOf(pattern: string, path: string): Record<string, string> | undefined {
  const [names, values] = [pattern.split('/').slice(1), path.split('/').slice(1)];
  if (names.length !== values.length) return undefined;
  const entries: [string, string][] = [];
  for (const [index, name] of names.entries()) {
    const value = values[index]!;
    if (!name.startsWith(':')) {
      if (name.toLowerCase() !== value.toLowerCase()) return undefined;
      continue;
    }
    const text = decoded(value);
    if (value === '' || text === undefined) return undefined;
    entries.push([name.slice(1), text]);
  }
  return Object.fromEntries(entries);
}

describe('the request target', () => {
  afterEach(() => {
    expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(own);
  });

  fuzz('is read as one path, or as none', 8_000, (random) => {
    const target = targets.next(random);
    const path = pathOf(target);
    if (!target.startsWith('/'))
      return check(path === undefined, 'read a path out of what is none', target, path);
    check(path !== undefined, 'read no path', target);
    check(/^\/([^/?#]+(\/[^/?#]+)*)?$/.test(path), 'no path', target, path);
    check(pathOf(path) === path && normalisePath(path) === path, 'a path of a path is another', target, path);
    const segments = target
      .replace(/[?#][^]*/, '')
      .split('/')
      .filter((segment) => segment !== '')
      .map((segment) => segment.split('').map(quoted).join(''));
    check(path === `/${segments.join('/')}`, 'other segments', target, path);
  });

  fuzz('matches patterns by its segments', 4_000, (random) => {
    const path = pathOf(targets.next(random));
    if (path === undefined) return;
    for (const { pattern, match } of PATTERNS) {
      const params = match(path);
      if (params === undefined) {
        const isPlain = !/[*{]/.test(pattern);
        check(
          !isPlain || paramsOf(pattern, path) === undefined,
          'a pattern that does not match',
          pattern,
          path,
        );
        continue;
      }
      check(Object.getPrototypeOf(params) === Object.prototype, 'another prototype', pattern, path);
      for (const value of Object.values(params)) check(typeof value === 'string', 'no text', pattern, path);
      if (/[*{]/.test(pattern)) continue;
      check(
        JSON.stringify(params) === JSON.stringify(paramsOf(pattern, path)),
        'other values',
        pattern,
        path,
      );
    }
  });
});
