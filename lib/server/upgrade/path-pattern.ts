import { match, parse, TokenData, type Token } from 'path-to-regexp';
import { withCode } from '../../protocol/with-code.js';

/** The values of a path's `:params`. */
export type Params = Readonly<Record<string, string>>;

/** The params of a path without any: one object for all connections. */
export const NO_PARAMS: Params = Object.freeze({});

const PLAIN_PATH = /^(?:\/|(?:\/[\w.~-]+)+)$/;

/**
 * Joins the parts of a path that the application declares, and returns it in the normal form, in which paths are
 * compared. `chat/`, `/chat` and `//chat` become the same path, an empty path becomes `/`, and `/ümlaut` becomes
 * `/%C3%BCmlaut`, as clients request it. Segments with pattern syntax remain unchanged.
 */
export function normalisePath(...parts: (string | undefined)[]): string {
  const joined = parts.map((part) => part ?? '').join('/');
  const syntax = isPattern(joined) ? /[:*{}"\\]/ : /^$/;
  const segments = joined.split('/').filter(Boolean);
  return `/${segments.map((segment) => (syntax.test(segment) ? segment : concretePath(segment))).join('/')}`;
}

/**
 * Returns the path of a request target, without its query, in the form of {@link normalisePath}; `undefined` if the
 * target is not a path (RFC 9112, section 3.2.1). Percent-encodes characters that URLs do not allow, as browsers do,
 * because the path becomes part of the names of the server and of its broker channels. Ignores one trailing slash, as
 * routes do, but not two.
 */
export function pathOf(target: string | undefined): string | undefined {
  if (target === undefined || !target.startsWith('/')) return undefined;
  // the most frequent case
  if (PLAIN_PATH.test(target)) return target;
  const end = target.search(/[?#]/);
  const path = end === -1 ? target : target.slice(0, end);
  return normaliseEscapes(path.replace(/(?<=[^/])\/$/, ''), encodeByte);
}

/** Returns a concrete path in the form of {@link pathOf}. Characters of pattern syntax have no special meaning here. */
export function concretePath(path: string): string {
  return normaliseEscapes(path, encodeText);
}

/**
 * Decodes a path for logs and RegExps: letters of all alphabets, and spaces. Returns `undefined` if it is not UTF-8.
 */
export function readablePath(path: string): string | undefined {
  if (!path.includes('%')) return path;
  try {
    return decodeURI(path);
  } catch {
    return undefined;
  }
}

/**
 * Checks a path that the application declares.
 *
 * @param where the owner of the path, for the message
 * @throws Error if the path has a query or a fragment
 */
export function checkPath(path: unknown, where: string): void {
  if (typeof path !== 'string' || !/[?#]/.test(path)) return;
  const end = path.search(/[?#]/);
  throw withCode(
    'ERR_ENVELOPE_INVALID_PATH',
    new Error(
      `${where}: the path "${path}" has a query or a fragment, which no request can match. Remove "${path.slice(end)}"`,
    ),
  );
}

/** Returns the normal form of a path (RFC 3986, section 6.2.2): only the necessary escapes, in upper case. */
function normaliseEscapes(path: string, encode: (char: string) => string): string {
  const normalised = path.includes('%') ? path.split('/').map(normaliseSegment).join('/') : path;
  return normalised.replace(/[^\w.~!$&'()*+,;=:@/%[\]|-]/gu, encode);
}

function normaliseSegment(segment: string): string {
  // an invalid escape remains unchanged, and matches only itself
  if (/%(?![\da-fA-F]{2})/.test(segment)) return segment;
  return segment.replace(/%[\da-fA-F]{2}/g, (escape) => {
    const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[\w.~-]/.test(char) ? char : escape.toUpperCase();
  });
}

function encodeText(char: string): string {
  // UTF-8 cannot encode half a surrogate pair
  return encodeURIComponent(/\p{Surrogate}/u.test(char) ? '\ufffd' : char);
}

/**
 * Percent-encodes a character of a request target. Node decodes targets as Latin-1: each character is a byte, usually
 * of UTF-8.
 */
function encodeByte(char: string): string {
  const code = char.codePointAt(0)!;
  return code > 0xff ? encodeText(char) : `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** Returns whether a path contains `:params` or wildcards, in the syntax of Nest's routes. */
export function isPattern(path: string): boolean {
  return /[:*{]/.test(path);
}

/**
 * Compiles a path with `:params` to a function, which returns the params of a concrete path, or `undefined` if it does
 * not match.
 *
 * @throws Error that contains the path if its syntax is invalid
 */
export function compilePath(path: string): (concrete: string) => Params | undefined {
  let test: ReturnType<typeof match>;
  try {
    test = match(normaliseTokens(parse(path)));
  } catch (error) {
    throw withCode(
      'ERR_ENVELOPE_INVALID_PATH',
      new Error(`The gateway path "${path}" is not valid: ${(error as Error).message}`, { cause: error }),
    );
  }
  return (concrete) => {
    try {
      const found = test(concrete);
      if (found === false) return undefined;
      return Object.fromEntries(
        // the value of a wildcard is an array of segments
        Object.entries(found.params).map(([name, value = '']) => [name, [value].flat().join('/')]),
      );
    } catch {
      return undefined; // an escape that is not UTF-8 matches nothing
    }
  };
}

/** Brings the text between parameters into the form of {@link pathOf}. Names of parameters may use any alphabet. */
function normaliseTokens({ tokens, originalPath }: TokenData): TokenData {
  const normaliseToken = (token: Token): Token => {
    if (token.type === 'text') return { ...token, value: concretePath(token.value) };
    return token.type === 'group' ? { ...token, tokens: token.tokens.map(normaliseToken) } : token;
  };
  return new TokenData(tokens.map(normaliseToken), originalPath);
}
