import { match, parse, TokenData, type Token } from 'path-to-regexp';
import { withCode } from '../../protocol/with-code.js';

/** The values of a path's `:params`. */
export type Params = Readonly<Record<string, string>>;

/** Of a path without any: one object for all connections. */
export const NO_PARAMS: Params = Object.freeze({});

const PLAIN_PATH = /^(?:\/|(?:\/[\w.~-]+)+)$/;

/**
 * A path as the application writes it, in the one form in which paths are compared: `chat/`, `/chat` and `//chat` are
 * one path, nothing is `/`, and `/ümlaut` is `/%C3%BCmlaut`, as clients ask for it. Segments of a pattern that have
 * a syntax of their own stay as they are.
 */
export function normalisePath(...parts: (string | undefined)[]): string {
  const joined = parts.map((part) => part ?? '').join('/');
  const syntax = isPattern(joined) ? /[:*{}"\\]/ : /^$/;
  const segments = joined.split('/').filter(Boolean);
  return `/${segments.map((segment) => (syntax.test(segment) ? segment : concretePath(segment))).join('/')}`;
}

/**
 * The path of a request target, without its query, in the form of {@link normalisePath}; `undefined` where it is none
 * (RFC 9112, section 3.2.1). What has no place in a URL is percent-encoded, as browsers do: a path names a server, and
 * so what its adapter asks of a broker. One slash at the end does not count, as in routes; a doubled one does.
 */
export function pathOf(target: string | undefined): string | undefined {
  if (target === undefined || !target.startsWith('/')) return undefined;
  // most are as they should be
  if (PLAIN_PATH.test(target)) return target;
  const end = target.search(/[?#]/);
  const path = end === -1 ? target : target.slice(0, end);
  return spell(path.replace(/(?<=[^/])\/$/, ''), encodeByte);
}

/** A concrete path, of which a part may look like a pattern, in the form of {@link pathOf}. */
export function concretePath(path: string): string {
  return spell(path, encodeText);
}

/** A path for people and for regular expressions: letters of all alphabets, and spaces. `undefined`: it is not UTF-8. */
export function readablePath(path: string): string | undefined {
  if (!path.includes('%')) return path;
  try {
    return decodeURI(path);
  } catch {
    return undefined;
  }
}

/** @throws Error on what a path cannot have; `where` says whose path it is */
export function checkPath(path: unknown, where: string): void {
  if (typeof path !== 'string' || !/[?#]/.test(path)) return;
  const end = path.search(/[?#]/);
  throw withCode(
    'ERR_ENVELOPE_INVALID_PATH',
    new Error(
      `${where}: the path "${path}" has a query or a fragment, which no request can match: leave out "${path.slice(end)}"`,
    ),
  );
}

/** One spelling for each path (RFC 3986, section 6.2.2): escapes only where they are needed, in upper case. */
function spell(path: string, encode: (char: string) => string): string {
  const spelled = path.includes('%') ? path.split('/').map(respell).join('/') : path;
  return spelled.replace(/[^\w.~!$&'()*+,;=:@/%[\]|-]/gu, encode);
}

function respell(segment: string): string {
  // what is broken stays so, and matches nothing but itself
  if (/%(?![\da-fA-F]{2})/.test(segment)) return segment;
  return segment.replace(/%[\da-fA-F]{2}/g, (escape) => {
    const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[\w.~-]/.test(char) ? char : escape.toUpperCase();
  });
}

function encodeText(char: string): string {
  // half a surrogate pair has no UTF-8
  return encodeURIComponent(/\p{Surrogate}/u.test(char) ? '\ufffd' : char);
}

/** Node reads a request target as Latin-1: a character is a byte, of UTF-8 as a rule. */
function encodeByte(char: string): string {
  const code = char.codePointAt(0)!;
  return code > 0xff ? encodeText(char) : `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** Whether a path has `:params` or wildcards, in the language of Nest's routes. */
export function isPattern(path: string): boolean {
  return /[:*{]/.test(path);
}

/**
 * Compiles a path with `:params`.
 *
 * @throws Error that names the path where it is malformed
 */
export function compilePath(path: string): (concrete: string) => Params | undefined {
  let test: ReturnType<typeof match>;
  try {
    test = match(spellTokens(parse(path)));
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
        // a wildcard's value is its segments
        Object.entries(found.params).map(([name, value = '']) => [name, [value].flat().join('/')]),
      );
    } catch {
      return undefined; // a percent-encoding that decodes to nothing matches nothing
    }
  };
}

/** The text between parameters, in the form of {@link pathOf}: names of parameters may be of any alphabet. */
function spellTokens({ tokens, originalPath }: TokenData): TokenData {
  const spelled = (token: Token): Token => {
    if (token.type === 'text') return { ...token, value: concretePath(token.value) };
    return token.type === 'group' ? { ...token, tokens: token.tokens.map(spelled) } : token;
  };
  return new TokenData(tokens.map(spelled), originalPath);
}
