import type { IncomingMessage } from 'node:http';
import { readHandshake } from '../../lib/server/handshake/handshake.js';
import { selectProtocol } from '../../lib/server/handshake/subprotocols.js';
import type { Random } from '../support/random.js';
import { check, fuzz } from './fuzz.js';
import { Mutator } from './mutator.js';

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const POLLUTION = Buffer.from('{"__proto__":{"token":"evil","polluted":1},"a":1}').toString('base64url');
const PROTOCOLS = [
  ...['envelope.v1', 'bearer, SECRET', 'bearer', 'envelope.v1, bearer, SECRET', 'a, b', 'SECRET, bearer', ''],
  `envelope.auth.${base64url({ token: 'SECRET' })}`,
  `envelope.v1, envelope.auth.${base64url({ token: 'SECRET', session: 's' })}`,
  `envelope.auth.${base64url([1])}, envelope.auth.${base64url({ user: { token: 'SECRET' } })}`,
  ...[
    `envelope.auth.${POLLUTION}`,
    'envelope.auth.',
    'envelope.auth.%%%',
    'envelope.auth.bnVsbA',
    'Bearer, SECRET',
  ],
];
const AUTHORIZATIONS = [
  'Bearer SECRET',
  'bearer   SECRET',
  'Bearer',
  'Basic U0VDUkVU',
  '',
  'Bearer a b',
  'BearerX',
];
const URLS = [
  ...['/', '/ws?token=SECRET', '/ws?token=a&token=b', '/ws?__proto__=x&constructor=y', '/ws?a[b]=1&a=2&=3&&'],
  ...['/?__proto__[token]=evil', '/?token', '/?token=%', '/?%ff=%C3%BC', '/?a=1?b=2#c', '', '?token=SECRET'],
];
const TOKENS = [
  ...[
    'envelope.v1',
    'envelope.v2',
    'envelope.auth.',
    'bearer',
    'Bearer ',
    'SECRET',
    ',',
    ', ',
    ' ',
    '\t',
    '=',
    '&',
    '?',
    '%',
    '%00',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'token',
    'token=',
    'e30',
    base64url({ token: 'SECRET' }),
    POLLUTION,
  ],
];
const mutators = [PROTOCOLS, AUTHORIZATIONS, URLS].map((corpus) => new Mutator(corpus, TOKENS));
const own = Object.getOwnPropertyNames(Object.prototype).length;

function randomRequest(random: Random): IncomingMessage {
  const [protocol, authorization, url] = mutators.map((mutator) => mutator.next(random));
  const headers = {
    ...(random.chance(0.8) && { 'sec-websocket-protocol': protocol }),
    ...(random.chance(0.3) && { authorization }),
    ...(random.chance(0.3) && { origin: 'http://x' }),
  };
  return { headers, ...(random.chance(0.98) && { url }), socket: {} } as IncomingMessage;
}

/** Returns the subprotocols like `ws`: unique tokens of RFC 9110, or `undefined` when it refuses the request. */
function offered(header: string | undefined): Set<string> | undefined {
  const names = (header ?? '').split(',').map((name) => name.replace(/^[ \t]+|[ \t]+$/g, ''));
  const isValid = names.every((name) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name));
  return isValid && new Set(names).size === names.length ? new Set(names) : undefined;
}

function checkQuery(query: Record<string, string | string[]>, url: string): void {
  const start = url.indexOf('?');
  const expected = new URLSearchParams(start === -1 ? '' : url.slice(start + 1));
  const names = [...new Set(expected.keys())];
  check(Object.getPrototypeOf(query) === Object.prototype, 'another prototype', url);
  check(Object.getOwnPropertyNames(query).length === names.length, 'other fields', query, url);
  for (const name of names) {
    const value: unknown = Object.getOwnPropertyDescriptor(query, name)?.value;
    check(
      JSON.stringify([value].flat()) === JSON.stringify(expected.getAll(name)),
      'another value',
      name,
      url,
    );
  }
}

describe('the handshake', () => {
  afterEach(() => {
    expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(own);
  });

  fuzz('is read from any request, and contains nothing else', 8_000, (random) => {
    const request = randomRequest(random);
    const before = { ...request.headers };
    const client = {
      address: '127.0.0.1',
      rateKey: '127.0.0.1',
      isShared: false,
      host: 'x',
      isSecure: undefined,
    };
    const { query, auth, headers, url } = readHandshake(request, 1, {}, client);
    checkQuery(query, request.url ?? '/');
    check(url === (request.url ?? '/'), 'another target', url);
    check(Object.getPrototypeOf(auth) === Object.prototype, 'another prototype', auth);
    const token: unknown = Object.getOwnPropertyDescriptor(auth, 'token')?.value;
    // guards that read the header see the effective token
    const header = typeof token === 'string' ? `Bearer ${token}` : before.authorization;
    check(headers.authorization === header, 'another header', headers.authorization, before);
    if (typeof token !== 'string') return;
    // the token is somewhere in the request, in a subprotocol in base64
    const sources = [before['sec-websocket-protocol'], before.authorization, ...[query['token']].flat()];
    const isEncoded = sources[0]?.includes('envelope.auth.') === true;
    check(isEncoded || sources.some((source) => source?.includes(token)), 'an invented token', token, before);
  });

  fuzz('selects only a subprotocol that was offered and that the server supports', 8_000, (random) => {
    const request = randomRequest(random);
    const header = request.headers['sec-websocket-protocol'];
    const names = offered(header);
    if (names === undefined) return;
    const selected = selectProtocol(names);
    const list = [...names];
    const token = list[list.indexOf('bearer') + 1];
    const isPair = list.includes('bearer') && token !== undefined && !/^envelope\./i.test(token);
    const expected = names.has('envelope.v1') ? 'envelope.v1' : isPair && 'bearer';
    check(selected === expected, 'selected', selected, header);
  });
});
