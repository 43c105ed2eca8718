import type { IncomingMessage } from 'node:http';
import { attempt } from '../server/attempt.js';
import type { Visitor } from '../server/visitor.js';

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

/**
 * Decides whether a page may open a WebSocket here. Browsers do not ask: they send cookies along with every
 * upgrade, whatever page it comes from (CWE-1385). The server's own origin and clients that name none, which are
 * no browsers, are always let in; the rest only where `cors` says so.
 */
export function checkOrigin(
  request: IncomingMessage,
  visitor: Pick<Visitor, 'host' | 'isSecure'>,
  cors: Cors | undefined,
  done: (allowed: boolean) => void,
  failed: Failed,
): void {
  const { origin } = request.headers;
  if (origin === undefined || isSameOrigin(origin, visitor)) return done(true);
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
  attempt(() => answer(answering, question, callback), failed);
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
  if (typeof rule === 'string') return rule === '*' || rule.toLowerCase() === origin.toLowerCase();
  if (rule instanceof RegExp) return new RegExp(rule.source, rule.flags.replace(/[gy]/g, '')).test(origin);
  return rule.some((one) => matches(origin, one));
}

/** Same host and port, and, where it is known, the same scheme; a proxy may have ended the TLS before. */
function isSameOrigin(origin: string, { host, isSecure }: Pick<Visitor, 'host' | 'isSecure'>): boolean {
  try {
    const page = new URL(origin);
    if (page.origin !== origin.toLowerCase() || host === undefined) return false;
    // read with the page's own scheme, so that its default port counts as named
    const server = new URL(`${page.protocol}//${host}`);
    return server.host === page.host && (isSecure === undefined || isSecure === (page.protocol === 'https:'));
  } catch {
    return false; // `null`, or no URL at all
  }
}

/** What a refused page is told: both values, and the lines that would let it in. It is read in logs, too. */
export function explainOrigin(origin: string, host: string | undefined): string {
  const [page, server] = [show(origin), show(String(host))];
  const everybody = origin === 'null' ? ', which every sandboxed frame and every local file has,' : '';
  return (
    `The origin ${page}${everybody} may not connect to ${server}. ` +
    `If it should, name it in the option cors of the gateway on this path, or of EnvelopeAdapter where the gateway ` +
    `has none: cors: { origin: '${page}' }. If ${server} is the name behind a proxy that sends ` +
    `X-Forwarded-Host, name the proxy in EnvelopeAdapter's option trustProxy`
  );
}

const MAX_SHOWN_LENGTH = 200;

/** What a client sent, as one may show it: not without end, and nothing that a URL would not hold. */
function show(text: string): string {
  const shown = text.slice(0, MAX_SHOWN_LENGTH).replace(/[^\w .~:/?#[\]@!$&()*+,;=%-]/g, '?');
  return text.length > MAX_SHOWN_LENGTH ? `${shown}...` : shown;
}
