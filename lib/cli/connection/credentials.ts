import type { Credentials } from '../../client/options.js';
import { isRecord } from '../../protocol/json.js';
import { invalid, usageError, type Arguments } from '../arguments.js';
import { parseData, readText } from '../data.js';

const WAYS = ['auth', 'bearer', 'header', 'query', 'message'] as const;
/** The characters of a subprotocol (RFC 9110, section 5.6.2). */
const SUBPROTOCOL = /^[\w!#$%&'*+.^`|~-]+$/;

/** What the upgrade request carries besides the URL. */
export interface Upgrade {
  readonly headers: Readonly<Record<string, string>>;
  /** Subprotocols after those of the client library. */
  readonly protocols: readonly string[];
}

/** How a client presents itself. */
export interface Presentation extends Upgrade {
  /** Adds credentials to the URL. */
  readonly url: (url: string) => string;
  /** Returns the credentials for a new connection, in the option `auth` of the client library. Reads a file again. */
  readonly auth: () => Promise<Credentials | undefined>;
  /** Returns credentials that may be fresher than those of the open connection; `undefined` if only a file could have some. */
  readonly renew: () => Promise<Credentials | undefined>;
  /** Credentials that the client sends on the open connection, in `$auth`. */
  readonly later: Credentials | undefined;
  /** Texts that are not printed. */
  readonly secrets: readonly string[];
}

/**
 * Reads the options of authentication, and the headers.
 *
 * @throws (rejects) TypeError that names a malformed option
 */
export async function readPresentation(args: Arguments): Promise<Presentation> {
  const token = await secret(args, 'token');
  const user = await secret(args, 'user');
  const way = args.choice('token-by', WAYS, 'auth');
  if (token === undefined && args.text('token-by') !== undefined)
    throw usageError('--token-by says how --token is sent, and --token is missing');
  const by = (name: (typeof WAYS)[number]): string | undefined => (way === name ? token : undefined);
  const auth = await readAuth(args);
  if (auth !== undefined && (by('auth') ?? by('message')) !== undefined)
    throw usageError(
      `--auth and --token are sent in the same place: write the token into --auth, or send it --token-by header`,
    );
  const bearer = by('bearer');
  if (bearer !== undefined && !SUBPROTOCOL.test(bearer))
    throw usageError('--token has characters that a subprotocol cannot carry: send it --token-by auth');
  const query = by('query');
  return {
    url: (url) => (query === undefined ? url : withQuery(url, query)),
    auth: async () => {
      if (auth !== undefined) return isFile(args, 'auth') ? readAuth(args) : auth;
      return way === 'auth' && isFile(args, 'token') ? secret(args, 'token') : by('auth');
    },
    renew: async () => {
      if (isFile(args, 'auth')) return readAuth(args);
      return isFile(args, 'token') ? secret(args, 'token') : undefined;
    },
    later: by('message'),
    secrets: token === undefined ? [] : [token],
    headers: readHeaders(args, by('header'), user),
    protocols: bearer === undefined ? [] : ['bearer', bearer],
  };
}

function isFile(args: Arguments, name: string): boolean {
  return args.text(name)?.startsWith('@') === true;
}

/** Reads a text that may be in a file, without the line break at its end. */
async function secret(args: Arguments, name: string): Promise<string | undefined> {
  const text = args.text(name);
  return text === undefined ? undefined : (await readText(`--${name}`, text)).trim();
}

async function readAuth(args: Arguments): Promise<Credentials | undefined> {
  const text = args.text('auth');
  if (text === undefined) return undefined;
  const value = parseData(await readText('--auth', text));
  if (!isRecord(value)) throw invalid('auth', text, 'a JSON object. A token is --token');
  return value;
}

function withQuery(url: string, token: string): string {
  const [before, after] = url.split('#', 2) as [string, string?];
  const separator = before.includes('?') ? '&' : '?';
  return `${before}${separator}token=${encodeURIComponent(token)}${after === undefined ? '' : `#${after}`}`;
}

function readHeaders(
  args: Arguments,
  token: string | undefined,
  user: string | undefined,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  const add = (name: string, value: string | undefined, separator?: string): void => {
    const key = name.toLowerCase();
    if (value === undefined) return;
    if (key in headers && separator === undefined) throw usageError(`the header ${name} is set twice`);
    headers[key] = key in headers ? `${headers[key]}${separator}${value}` : value;
  };
  for (const header of args.list('header')) {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/.exec(header) ?? [];
    if (name === undefined) throw invalid('header', header, 'a name and a value, "X-Tenant: acme"');
    add(name, value, name.toLowerCase() === 'cookie' ? '; ' : ', ');
  }
  for (const cookie of args.list('cookie')) {
    if (!/^[^=\s]+=/.test(cookie)) throw invalid('cookie', cookie, 'a name and a value, session=abc');
    add('cookie', cookie, '; ');
  }
  add('origin', args.text('origin'));
  if (user !== undefined && !user.includes(':'))
    throw usageError('--user takes a name and a password, ada:secret');
  add('authorization', user && `Basic ${Buffer.from(user).toString('base64')}`);
  add('authorization', token && `Bearer ${token}`);
  return headers;
}
