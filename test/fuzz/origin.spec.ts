import type { IncomingMessage } from 'node:http';
import { checkOrigin, safeCors, type Cors, type OriginRule } from '../../lib/server/upgrade/origin.js';
import type { Random } from '../support/random.js';
import { check, fuzz } from './fuzz.js';
import { Mutator } from './mutator.js';
import { isAmbiguous, isSameHost, readHost, readOrigin } from './origin-model.js';

const HOSTS = [
  ...[
    'good.example',
    'good.example:80',
    'good.example:443',
    'good.example:3000',
    'GOOD.example:0',
    '127.0.0.1',
  ],
  ...[
    '127.0.0.1:8080',
    '[::1]',
    '[::1]:80',
    'localhost',
    'good.example.',
    'a.good.example',
    'xn--bcher-kva.example',
  ],
];
const ORIGINS = [
  ...HOSTS.flatMap((host) => ['http', 'https'].map((scheme) => `${scheme}://${host}`)),
  ...[
    'null',
    '',
    'http://good.example/',
    'http://good.example.evil.example',
    'http://evil.example#good.example',
  ],
  ...['http://good.example@evil.example', 'http://good.example:80@evil.example', 'HTTP://GOOD.EXAMPLE'],
  ...[
    'file://',
    'chrome-extension://abcdef',
    'capacitor://localhost',
    'http://bücher.example',
    'http://2130706433',
  ],
  ...['http://evil.example\\good.example', 'http://good.example:65536', 'http://0x7f.1', 'ws://good.example'],
];
const TOKENS = [
  ...[
    'http://',
    'https://',
    '://',
    ':',
    ':80',
    ':443',
    ':080',
    ':3000',
    '@',
    '#',
    '?',
    '/',
    '\\',
    '.',
    '..',
    '%2e',
    '%00',
  ],
  ...[
    'good.example',
    'evil.example',
    'EVIL',
    'null',
    '*',
    ' ',
    '\t',
    ',',
    '[',
    ']',
    '::1',
    '。',
    'ß',
    'ſ',
    'K',
    '\u200b',
  ],
];
const origins = new Mutator(ORIGINS, TOKENS);
const hosts = new Mutator(HOSTS, TOKENS);

function randomOrigin(random: Random): string {
  return random.chance(0.5) ? random.pick(ORIGINS) : origins.next(random);
}

/** Whether a rule is another spelling of an origin: with a trailing slash, the default port, or non-ASCII letters. */
function isSpelling(rule: string, origin: string): boolean {
  const named = readOrigin(rule.replace(/(?<=[^/])\/$/, ''));
  if (named === undefined || !['http', 'https'].includes(named.scheme)) return false;
  // the URL standard decides on numbers and similar hosts
  const isOdd = /[^\x20-\x7e]|\/$|:(80|443)$/.test(rule);
  if (isAmbiguous(named)) return isOdd && URL.canParse(rule) && new URL(rule).origin === origin.toLowerCase();
  const isDefault = named.port === (named.scheme === 'https' ? '443' : '80');
  return `${named.scheme}://${named.host}${isDefault ? '' : `:${named.port}`}` === origin.toLowerCase();
}

/** A rule, and which origins it allows by its documentation. */
interface Rule {
  rule: OriginRule;
  names: (origin: string) => boolean;
}

function randomRule(random: Random, depth = 0): Rule {
  switch (random.below(depth === 0 ? 8 : 6)) {
    case 0:
      return { rule: false, names: () => false };
    case 1:
      return random.chance(0.8) ? { rule: false, names: () => false } : { rule: true, names: () => true };
    case 2:
    case 3: {
      const named = randomOrigin(random);
      return {
        rule: named,
        names: (origin) =>
          origin.toLowerCase() === named.toLowerCase() || named === '*' || isSpelling(named, origin),
      };
    }
    case 4:
      return {
        rule: new RegExp(String.raw`^https://[a-z]+\.example$`, random.pick(['', 'g', 'y', 'gy'])),
        names: (origin) => origin.endsWith('.example') && /^https:\/\/[a-z]+\.example$/.test(origin),
      };
    case 5:
      return { rule: [], names: () => false };
    default: {
      const rules = Array.from({ length: 1 + random.below(4) }, () => randomRule(random, 1));
      return {
        rule: rules.map(({ rule }) => rule as string),
        names: (origin) => rules.some(({ names }) => names(origin)),
      };
    }
  }
}

const THROWN = new Error('thrown');
const fail = (): never => {
  throw THROWN;
};

/** Returns the option in one of its forms, and which origins that form allows. */
function randomCors(random: Random, { rule, names }: Rule): { cors: Cors | undefined; names: Rule['names'] } {
  const none = (): boolean => false;
  switch (random.below(9)) {
    case 0:
      return { cors: undefined, names: none };
    case 1:
      return { cors: random.pick([false, {}, { credentials: true }]), names: none };
    case 2:
      return { cors: true, names: () => true };
    case 3:
      return { cors: { origin: (_, callback) => callback(null, rule) }, names };
    case 4:
      return { cors: { origin: (_, callback) => callback(new Error('no'), true) }, names: none };
    case 5:
      return { cors: (_, callback) => callback(null, { origin: rule }), names };
    case 6:
      return { cors: (_, callback) => callback(new Error('no'), { origin: true }), names: none };
    case 7:
      return { cors: random.pick<Cors>([fail, { origin: fail }]), names: none };
    default:
      return { cors: { origin: rule }, names };
  }
}

interface PageRequest {
  origin: string | undefined;
  host: string | undefined;
  isSecure: boolean | undefined;
}

function randomPageRequest(random: Random): PageRequest {
  const host = random.chance(0.05) ? undefined : random.chance(0.7) ? random.pick(HOSTS) : hosts.next(random);
  // often the origin of the server, or a similar one
  const near = host === undefined ? '' : `${random.pick(['http', 'https'])}://${host}`;
  const origin = random.chance(0.4) ? near : randomOrigin(random);
  return {
    origin: random.chance(0.02) ? undefined : random.chance(0.2) ? origins.change(random, origin) : origin,
    host,
    isSecure: random.pick([undefined, true, false]),
  };
}

/** Returns the verdict of the check. It must come once and synchronously, or as the error of a user's function. */
function ask({ origin, host, isSecure }: PageRequest, cors: Cors | undefined): boolean {
  const request = { headers: { ...(origin === undefined ? {} : { origin }), host } } as IncomingMessage;
  const verdicts: (boolean | Error)[] = [];
  const decided = (allowed: object | undefined): void => void verdicts.push(allowed !== undefined);
  const failed = (error: unknown): void => void verdicts.push(error as Error);
  checkOrigin(request, { host, isSecure }, cors, decided, failed);
  const [verdict] = verdicts;
  check(verdicts.length === 1, 'no single verdict', verdicts, origin);
  check(typeof verdict === 'boolean' || verdict === THROWN, 'no verdict', verdict, origin);
  return verdict === true;
}

/** Whether the page has the server's origin. Returns `undefined` for an ambiguous host. */
function isOwn({ origin, host, isSecure }: PageRequest): boolean | undefined {
  const page = readOrigin(origin!);
  if (page === undefined || host === undefined) return false;
  if (!['http', 'https'].includes(page.scheme)) return false;
  const server = readHost(host, page.scheme);
  // no browser sends an invalid Host
  if (server === undefined) return undefined;
  if (isAmbiguous(page) || isAmbiguous(server)) return undefined;
  const isNormal = `${page.scheme}://${page.host}` === origin!.toLowerCase() || !isDefaultPort(origin!);
  return (
    isNormal &&
    isSameHost(page, server) &&
    (isSecure ?? page.scheme === 'https') === (page.scheme === 'https')
  );
}

const isDefaultPort = (origin: string): boolean => /^(http:.*:80|https:.*:443)$/i.test(origin);

describe('the origin check', () => {
  fuzz('allows only the origin of the server and those in cors', 10_000, (random) => {
    const request = randomPageRequest(random);
    const { cors, names } = randomCors(random, randomRule(random));
    const allowed = ask(request, cors);
    if (request.origin === undefined) return check(allowed, 'refused a client without an origin', request);
    if (names(request.origin)) return check(allowed, 'refused an origin in cors', request, cors);
    const own = isOwn(request);
    if (own !== undefined)
      check(allowed === own, own ? 'refused the own origin' : 'allowed another origin', request, cors);
  });

  fuzz("allows no more than the application's cors rule", 5_000, (random) => {
    const request = randomPageRequest(random);
    const { rule, names } = randomRule(random);
    const credentials = random.pick([true, false, undefined]);
    const options = { origin: rule, ...(credentials === undefined ? {} : { credentials }) };
    const cors: Cors = random.pick<Cors>([options, (_, callback) => callback(null, options)]);
    const allowed = ask(request, safeCors(cors));
    if (request.origin === undefined || !allowed) return;
    const isWide = rule === true || rule === '*' || (Array.isArray(rule) && rule.includes('*'));
    const isSafe = credentials === true || (!isWide && typeof rule !== 'boolean');
    check(
      isOwn(request) !== false || (isSafe && names(request.origin)),
      'allowed another origin',
      request,
      options,
    );
    if (isOwn(request) === false) check(rule !== '*', 'a wildcard allowed another origin', request, options);
  });
});
