import type { IncomingMessage } from 'node:http';
import { callSafely } from '../util/safe-call.js';
import { quote } from '../util/quote.js';
import type { ClientInfo } from '../handshake/client-info.js';
import type { OwnHosts } from './own-hosts.js';

/** Which origins may connect: one, several, by rule, all (`true`, `'*'`), or none but the server's own (`false`). */
export type OriginRule = boolean | string | RegExp | readonly (boolean | string | RegExp)[];

/** Decides on an origin: the function form of {@link CorsOptions.origin}. Its answer may be a promise, as with Fastify. */
export type OriginFunction = (
  origin: string,
  callback: (error: Error | null, allowed?: OriginRule) => void,
) => unknown;

/** The part of Nest's `CorsOptions` that means something for a WebSocket. */
export interface CorsOptions {
  origin?: OriginRule | OriginFunction;
  [other: string]: unknown;
}

/** Nest's `cors` option in all its forms; `true` is every origin. */
export type Cors =
  | boolean
  | CorsOptions
  | ((request: IncomingMessage, callback: (error: Error | null, options?: CorsOptions) => void) => unknown);

/** Where a page came from as far as the server can tell, and which hosts are its own. */
export interface Asked extends Pick<ClientInfo, 'host' | 'isSecure'> {
  /** The option `hosts`; without it `host` is the server's own. */
  readonly ownHosts?: OwnHosts | undefined;
}

/**
 * Decides whether a page may open a WebSocket here. Browsers do not ask: they send cookies along with every
 * upgrade, whatever page it comes from (CWE-1385). The server's own origin and clients that name none, which are
 * no browsers, are always let in; the rest only where `cors` says so.
 */
export function checkOrigin(
  request: IncomingMessage,
  asked: Asked,
  cors: Cors | undefined,
  done: (allowed: boolean) => void,
  failed: Failed,
): void {
  const { origin } = request.headers;
  if (origin === undefined || isSameOrigin(origin, asked)) return done(true);
  const judge = (rule: OriginRule | OriginFunction | undefined): void => {
    if (typeof rule !== 'function') return done(matches(origin, rule));
    ask(rule, origin, (error, allowed) => done(!error && matches(origin, allowed)), failed);
  };
  if (typeof cors !== 'function') return judge(typeof cors === 'object' ? cors.origin : cors);
  ask(cors, request, (error, options) => (error ? done(false) : judge(options?.origin)), failed);
}

/** Hears of what users' functions throw and reject with, whenever they do. */
type Failed = (error: unknown) => void;

/**
 * The application's own CORS rule, as far as it is safe for a WebSocket, which always carries cookies: names, and a
 * rule that was made for requests with credentials. A wildcard opens an API, not the socket.
 */
export function safeCors(cors: Cors | undefined): Cors | undefined {
  if (typeof cors === 'function')
    return (request, callback) =>
      answer(cors, request, (error, options) =>
        callback(error, safeCors(options) as CorsOptions | undefined),
      );
  if (typeof cors !== 'object') return undefined;
  const { origin, credentials } = cors;
  const rules: unknown[] = [origin].flat();
  if (origin === undefined || rules.includes('*')) return undefined;
  const isNamed = rules.every((rule) => typeof rule === 'string');
  return isNamed || credentials === true ? cors : undefined;
}

type Answering<Question, Answer> = (question: Question, callback: Callback<Answer>) => unknown;
type Callback<Answer> = (error: Error | null, answer?: Answer) => void;

function ask<Question, Answer>(
  answering: Answering<Question, Answer>,
  question: Question,
  callback: Callback<Answer>,
  failed: Failed,
): void {
  callSafely(() => answer(answering, question, callback), failed);
}

/** An asynchronous function may answer by what it returns, unless it takes a callback and returns nothing. */
function answer<Question, Answer>(
  answering: Answering<Question, Answer>,
  question: Question,
  callback: Callback<Answer>,
): unknown {
  const returned = answering(question, callback);
  if (!(returned instanceof Promise)) return undefined;
  return returned.then((value: Answer | undefined) => {
    if (value !== undefined || answering.length < 2) callback(null, value);
  });
}

function matches(origin: string, rule: OriginRule | undefined): boolean {
  if (rule === undefined || typeof rule === 'boolean') return rule === true;
  if (typeof rule === 'string') return rule === '*' || isNamed(origin.toLowerCase(), rule.toLowerCase());
  if (rule instanceof RegExp) return new RegExp(rule.source, rule.flags.replace(/[gy]/g, '')).test(origin);
  return rule.some((one) => matches(origin, one));
}

/** Browsers write names in Punycode and leave the default port out; people do not, and some add a slash. */
function isNamed(origin: string, rule: string): boolean {
  if (rule === origin) return true;
  // most rules are as browsers write them, and a list of them costs no parsing
  return ODD_SPELLING.test(rule) && SITE.test(rule) && pageOf(rule)?.origin === origin;
}

const ODD_SPELLING = /[^\x20-\x7e]|\/$|:(?:80|443)$/;

/** A scheme, a host, perhaps a port, and nothing else. */
const SITE = /^https?:\/\/[^\s/?#@\\]+\/?$/;

/** Same host and port, and, where it is known, the same scheme; a proxy may have ended the TLS before. */
function isSameOrigin(origin: string, { host, isSecure, ownHosts }: Asked): boolean {
  const page = pageOf(origin);
  if (page === undefined || page.origin !== origin.toLowerCase()) return false;
  if (isSecure !== undefined && isSecure !== (page.protocol === 'https:')) return false;
  if (ownHosts !== undefined) return ownHosts(page);
  // read with the page's own scheme, so that its default port counts as named
  return host !== undefined && pageOf(`${page.protocol}//${host}`)?.host === page.host;
}

/** Pages that a server can have: `undefined` for `null`, other schemes, and what is no URL at all. */
function pageOf(text: string): URL | undefined {
  try {
    const page = new URL(text);
    return page.protocol === 'https:' || page.protocol === 'http:' ? page : undefined;
  } catch {
    return undefined;
  }
}

/** All that a refused page is told: nothing of the request comes back. */
export const ORIGIN_REFUSED =
  "Pages of this origin may not connect. The server's log names the origin, and the option that would let it in";

/** What the log says of a refused page: both values, and the lines that would let it in. */
export function explainOrigin(origin: string, host: string | undefined): string {
  const [page, server] = [quote(origin), quote(String(host))];
  const everybody = origin === 'null' ? ', which every sandboxed frame and every local file has,' : '';
  return (
    `The origin ${page}${everybody} may not connect to ${server}. ` +
    `If it should, name it in the option cors of the gateway on this path, or of EnvelopeAdapter where the gateway ` +
    `has none: cors: { origin: '${page}' }. ${hostAdvice(origin, host)}`
  );
}

/** A proxy that changes the Host header makes the server's own page a foreign one. */
function hostAdvice(origin: string, host: string | undefined): string {
  const page = pageOf(origin);
  const isPortLost = page !== undefined && page.port !== '' && host === page.hostname;
  const what = isPortLost
    ? 'Only the port differs: a proxy drops it from the Host header. In nginx, replace "proxy_set_header Host $host;" by '
    : "If the page is this server's own, a proxy does not pass its Host header on. In nginx, add ";
  return (
    `${what}"proxy_set_header Host $http_host;"; or name the server's hosts in EnvelopeAdapter's option hosts; or, where ` +
    'the proxy sends X-Forwarded-Host, name the proxy in its option trustProxy'
  );
}
