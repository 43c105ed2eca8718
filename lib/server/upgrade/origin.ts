import type { IncomingMessage } from 'node:http';
import { callSafely } from '../util/safe-call.js';
import { quote } from '../util/quote.js';
import type { ClientInfo } from '../handshake/client-info.js';
import type { OwnHosts } from './own-hosts.js';

/**
 * The origins that may connect: one, a list, those that a RegExp matches, all (`true`, `'*'`), or only the server's own
 * (`false`).
 */
export type OriginRule = boolean | string | RegExp | readonly (boolean | string | RegExp)[];

/**
 * Decides whether an origin may connect: the function form of {@link CorsOptions.origin}. It may return a promise, as
 * with Fastify.
 */
export type OriginFunction = (
  origin: string,
  callback: (error: Error | null, allowed?: OriginRule) => void,
) => unknown;

/** The part of Nest's `CorsOptions` that applies to a WebSocket. */
export interface CorsOptions {
  origin?: OriginRule | OriginFunction;
  [other: string]: unknown;
}

/** Nest's `cors` option in all its forms. `true` allows every origin. */
export type Cors =
  | boolean
  | CorsOptions
  | ((request: IncomingMessage, callback: (error: Error | null, options?: CorsOptions) => void) => unknown);

/** The host that the client requested, and the hosts that the server has. */
interface RequestHost extends Pick<ClientInfo, 'host' | 'isSecure'> {
  /** The option `hosts`. Without it, `host` counts as the server's host. */
  readonly ownHosts?: OwnHosts | undefined;
}

/**
 * Decides whether a page may open a WebSocket. Browsers do not enforce CORS here: they send cookies with every upgrade,
 * regardless of the page that opens it (CWE-1385). The server's own origin is always accepted, and so are clients
 * without an `Origin` header, which are not browsers. Any other origin is accepted only if `cors` allows it.
 *
 * @param done called with the options of the rule that accepts the origin, empty for the server's own origin, or with
 * `undefined`. Their `origin` is `true`, or `'*'` for a wildcard
 */
export function checkOrigin(
  request: IncomingMessage,
  requestHost: RequestHost,
  cors: Cors | undefined,
  done: (allowed: CorsOptions | undefined) => void,
  failed: Failed,
): void {
  const { origin } = request.headers;
  if (origin === undefined || isSameOrigin(origin, requestHost)) return done({});
  const checkRule = (options: CorsOptions | undefined): void => {
    const rule = options?.origin;
    // as in browsers: a wildcard allows no credentials
    const allowed =
      rule === '*' ? { ...options, origin: '*', credentials: false } : { ...options, origin: true };
    const decide = (isAllowed: boolean): void => done(isAllowed ? allowed : undefined);
    if (typeof rule !== 'function') return decide(matches(origin, rule));
    callRuleSafely(rule, origin, (error, answer) => decide(!error && matches(origin, answer)), failed);
  };
  if (typeof cors === 'object') return checkRule(cors);
  if (typeof cors !== 'function') return checkRule(cors === true ? { origin: true } : undefined);
  callRuleSafely(cors, request, (error, options) => checkRule(error ? undefined : options), failed);
}

/** Receives the errors that the application's functions throw or reject with, at any time. */
type Failed = (error: unknown) => void;

/**
 * Returns the application's CORS rule if it is safe for a WebSocket, which always carries cookies: a list of names, or
 * a rule for requests with credentials. Otherwise returns `undefined`: a wildcard opens an API to all pages, but not
 * its WebSockets.
 */
export function safeCors(cors: Cors | undefined): Cors | undefined {
  if (typeof cors === 'function')
    return (request, callback) =>
      callRule(cors, request, (error, options) =>
        callback(error, safeCors(options) as CorsOptions | undefined),
      );
  if (typeof cors !== 'object') return undefined;
  const { origin, credentials } = cors;
  const rules: unknown[] = [origin].flat();
  if (origin === undefined || rules.includes('*')) return undefined;
  const isNamed = rules.every((rule) => typeof rule === 'string');
  return isNamed || credentials === true ? cors : undefined;
}

type RuleFunction<Input, Result> = (input: Input, callback: Callback<Result>) => unknown;
type Callback<Result> = (error: Error | null, result?: Result) => void;

function callRuleSafely<Input, Result>(
  rule: RuleFunction<Input, Result>,
  input: Input,
  callback: Callback<Result>,
  failed: Failed,
): void {
  callSafely(() => callRule(rule, input, callback), failed);
}

/**
 * Calls a rule. If the rule returns a promise, its value is the result, unless it is `undefined` and the rule takes a
 * callback.
 */
function callRule<Input, Result>(
  rule: RuleFunction<Input, Result>,
  input: Input,
  callback: Callback<Result>,
): unknown {
  const returned = rule(input, callback);
  if (!(returned instanceof Promise)) return undefined;
  return returned.then((value: Result | undefined) => {
    if (value !== undefined || rule.length < 2) callback(null, value);
  });
}

function matches(origin: string, rule: OriginRule | undefined): boolean {
  if (rule === undefined || typeof rule === 'boolean') return rule === true;
  if (typeof rule === 'string') return rule === '*' || isNamed(origin.toLowerCase(), rule.toLowerCase());
  if (rule instanceof RegExp) return new RegExp(rule.source, rule.flags.replace(/[gy]/g, '')).test(origin);
  return rule.some((one) => matches(origin, one));
}

/**
 * Returns the origin that a text in a rule stands for, as browsers write it, and whether the text names it. Both are of the
 * schemes HTTP and HTTPS; for other texts the result is `undefined`.
 */
export function webOrigin(text: string): { origin: string; isNamed: boolean } | undefined {
  const origin = pageOf(text)?.origin;
  return origin === undefined ? undefined : { origin, isNamed: isNamed(origin, text.toLowerCase()) };
}

/**
 * Returns whether a rule names an origin. Browsers write hosts in Punycode and omit the default port. A rule may do
 * neither, and may end in a slash.
 */
function isNamed(origin: string, rule: string): boolean {
  if (rule === origin) return true;
  // most rules are written as browsers write origins: comparing a list of them needs no parsing
  return UNUSUAL_SPELLING.test(rule) && PLAIN_ORIGIN.test(rule) && pageOf(rule)?.origin === origin;
}

const UNUSUAL_SPELLING = /[^\x20-\x7e]|\/$|:(?:80|443)$/;

/** A scheme, a host and an optional port. URLs are parsed without control characters at their end. */
const PLAIN_ORIGIN = /^https?:\/\/[^\s\p{Cc}/?#@\\]+\/?$/u;

/**
 * Returns whether a page has the server's host and port. Compares the scheme only if it is known, since a proxy may
 * have terminated TLS.
 */
function isSameOrigin(origin: string, { host, isSecure, ownHosts }: RequestHost): boolean {
  const page = pageOf(origin);
  if (page === undefined || page.origin !== origin.toLowerCase()) return false;
  if (isSecure !== undefined && isSecure !== (page.protocol === 'https:')) return false;
  if (ownHosts !== undefined) return ownHosts(page);
  return isSameHost(page, host);
}

function isSameHost(page: URL, host: string | undefined): boolean {
  // parsed with the scheme of the page, so that the default port may be omitted
  return host !== undefined && pageOf(`${page.protocol}//${host}`)?.host === page.host;
}

/** Returns an origin as a URL; `undefined` for `null`, for schemes other than HTTP and HTTPS, and for invalid URLs. */
function pageOf(text: string): URL | undefined {
  try {
    const page = new URL(text);
    return page.protocol === 'https:' || page.protocol === 'http:' ? page : undefined;
  } catch {
    return undefined;
  }
}

/** The message for a refused page. It contains nothing of the request. */
export const ORIGIN_REFUSED =
  "Pages of this origin may not connect. The server's log names the origin, and the option that would let it in";

/**
 * Returns the log line for a refused page: its origin, the server's host, and the options that would accept it.
 *
 * @param isSecure whether the client uses TLS, if it is known
 */
export function explainOrigin(
  origin: string,
  { host, isSecure }: Pick<ClientInfo, 'host' | 'isSecure'>,
): string {
  const [page, server] = [quote(origin), quote(String(host))];
  const nullHint = origin === 'null' ? ', which every sandboxed frame and every local file has,' : '';
  return (
    `The origin ${page}${nullHint} may not connect to ${server}. ` +
    `If it should, name it in the option cors of the gateway on this path, or of EnvelopeAdapter if the gateway ` +
    `has none: cors: { origin: '${page}' }. ${proxyAdvice(origin, host, isSecure)}`
  );
}

/**
 * Returns advice on proxies. If a proxy changes the `Host` header or sends the wrong scheme, the server takes its own
 * pages for those of another site.
 */
function proxyAdvice(origin: string, host: string | undefined, isSecure: boolean | undefined): string {
  const page = pageOf(origin);
  if (page !== undefined && isSecure !== undefined && isSameHost(page, host))
    return schemeAdvice(page, isSecure);
  const isPortLost = page !== undefined && page.port !== '' && host === page.hostname;
  const cause = isPortLost
    ? 'Only the port differs: a proxy drops it from the Host header. In nginx, replace "proxy_set_header Host $host;" by '
    : 'If the page comes from this server, a proxy does not forward the Host header. In nginx, add ';
  return (
    `${cause}"proxy_set_header Host $http_host;"; or name the server's hosts in EnvelopeAdapter's option hosts; or, if ` +
    'the proxy sends X-Forwarded-Host, name the proxy in its option trustProxy'
  );
}

/** Returns advice for a page that only the scheme keeps out: the connection has another one than the page. */
function schemeAdvice({ protocol }: URL, isSecure: boolean): string {
  return (
    `Only the scheme differs: the page has ${protocol}//, and the connection ${isSecure ? 'https' : 'http'}://. If TLS ends at a ` +
    'proxy, X-Forwarded-Proto must name the scheme of the browser. In nginx behind another proxy, replace ' +
    '"proxy_set_header X-Forwarded-Proto $scheme;" by "proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto;"'
  );
}
