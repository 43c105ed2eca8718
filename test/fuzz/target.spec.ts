import { compilePath, normalisePath, pathOf } from '../../lib/server/upgrade/path-pattern.js';
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

/** Decodes a path to bytes for comparison, except incomplete escapes. */
function bytesOf(path: string): string {
  if (path.includes('/')) return path.split('/').map(bytesOf).join('/');
  const isWhole = path.split('%').every((rest, index) => index === 0 || /^[\da-f]{2}/i.test(rest));
  // a request target is Latin-1; only a caller in the process can pass other characters
  const bytes = (text: string): string =>
    Array.from(text, (char) => Buffer.from(char, char.codePointAt(0)! > 0xff ? 'utf8' : 'latin1'))
      .map((buffer) => buffer.toString('latin1'))
      .join('');
  const decode = (escape: string): string => {
    const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return '/?#%'.includes(char) ? escape.toUpperCase() : char;
  };
  // escapes that `pathOf` added are decoded even in a path with invalid escapes
  return isWhole ? bytes(path).replace(/%[\da-f]{2}/gi, decode) : bytes(path).replace(/%[\dA-F]{2}/g, decode);
}

/** Returns the parameters of a pattern without wildcards, by its segments. */
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

  fuzz('has one path, or none', 8_000, (random) => {
    const target = targets.next(random);
    const path = pathOf(target);
    if (!target.startsWith('/')) return check(path === undefined, 'found a path where none is', target, path);
    check(path !== undefined, 'found no path', target);
    check(/^\/[\w.~!$&'()*+,;=:@/%[\]|-]*$/.test(path), 'an invalid path', target, path);
    check(pathOf(path) === path || path.endsWith('//'), 'the path of a path differs', target, path);
    if (!path.includes('//') && !/[:*]/.test(path))
      check(normalisePath(path) === path, 'the normalised path differs', target, path);
    const given = target.replace(/[?#][^]*/, '').replace(/(?<=[^/])\/$/, '');
    check(bytesOf(path) === bytesOf(given), 'other bytes', target, path);
  });

  fuzz('matches patterns by segments', 4_000, (random) => {
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
