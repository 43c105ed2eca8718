import { STATUS_CODES, type IncomingMessage } from 'node:http';
import { callSafely } from '../util/safe-call.js';
import { checkOrigin, explainOrigin, ORIGIN_REFUSED, type Cors, type CorsOptions } from './origin.js';
import type { OwnHosts } from './own-hosts.js';
import { because, refusal, type HttpRefusal } from './http-refusal.js';
import type { ClientInfo } from '../handshake/client-info.js';
import type {
  VerifyClientCallbackAsync,
  VerifyClientCallbackSync,
} from '../transport/web-socket-acceptor.js';

/** Socket.IO's option: `callback(error, success)` accepts a request, or refuses it with 403. */
export type AllowRequest = (
  request: IncomingMessage,
  callback: (error: string | null | undefined, success: boolean) => void,
) => void;

/** The option of `ws`, in its synchronous and its asynchronous form. */
export type VerifyClient = VerifyClientCallbackSync | VerifyClientCallbackAsync;

/** Checks an upgrade request. Calls back with the refusal, or without an argument if the request passes. */
export type UpgradeCheck = (
  request: IncomingMessage,
  clientInfo: ClientInfo,
  done: (refused?: HttpRefusal) => void,
) => void;

/**
 * One of the checks. It may throw or return a promise. It calls `failed` with later errors of the application's code.
 */
type Check = (...args: [...Parameters<UpgradeCheck>, failed: (error: unknown) => void]) => unknown;

/** The options of the checks that run before the guards of a path. */
interface UpgradeChecks {
  /** Called for each request, since the application may set its rule after the start. */
  cors: () => Cors | undefined;
  /** The option `hosts`. */
  ownHosts?: OwnHosts | undefined;
  verifyClient?: VerifyClient | undefined;
  allowRequest?: AllowRequest | undefined;
  /** Called with a refused origin. */
  onForeignOrigin: (origin: string, explanation: string) => void;
  /** Called with what a check throws or rejects with. */
  onError: (error: unknown) => void;
}

/**
 * Decides whether pages of the request's origin may connect. Calls back with the options of the CORS rule that allows it,
 * empty for the server's own origin, or with `undefined`.
 */
export type OriginCheck = (
  request: IncomingMessage,
  clientInfo: ClientInfo,
  done: (allowed: CorsOptions | undefined) => void,
  failed: (error: unknown) => void,
) => void;

/** Returns the check of the origin alone. It logs nothing. */
export function originCheckOf({ cors, ownHosts }: Pick<UpgradeChecks, 'cors' | 'ownHosts'>): OriginCheck {
  return (request, { host, isSecure }, done, failed) =>
    checkOrigin(request, { host, isSecure, ownHosts }, cors(), done, failed);
}

/**
 * Combines the checks of a path into one, which responds with the first refusal. They run in order: origin,
 * verifyClient, allowRequest.
 */
export function combineChecks(options: UpgradeChecks): UpgradeCheck {
  return runInOrder([originCheck(options), ...applicationChecks(options)], options.onError);
}

/** Combines the application's checks, without that of the origin. */
export function combineApplicationChecks(
  options: Pick<UpgradeChecks, 'verifyClient' | 'allowRequest' | 'onError'>,
): UpgradeCheck {
  return runInOrder(applicationChecks(options), options.onError);
}

function applicationChecks({
  verifyClient,
  allowRequest,
}: Pick<UpgradeChecks, 'verifyClient' | 'allowRequest'>): Check[] {
  const checks: Check[] = [];
  if (verifyClient !== undefined) checks.push(verifyCheck(verifyClient));
  if (allowRequest !== undefined) checks.push(allowRequestCheck(allowRequest));
  return checks;
}

function runInOrder(checks: readonly Check[], onError: UpgradeChecks['onError']): UpgradeCheck {
  return (request, clientInfo, done) => {
    const run = (index: number): void => {
      const check = checks[index];
      if (check === undefined) return done();
      let isDone = false;
      const next = (refused?: HttpRefusal): void => {
        if (isDone) return;
        isDone = true;
        if (refused === undefined) run(index + 1);
        else done(refused);
      };
      const failed = (error: unknown): void => {
        onError(error);
        next(refusal(500, 'Internal server error'));
      };
      callSafely(() => check(request, clientInfo, next, failed), failed);
    };
    run(0);
  };
}

function originCheck(options: UpgradeChecks): Check {
  const check = originCheckOf(options);
  return (request, clientInfo, done, failed) => {
    const decide = (allowed: CorsOptions | undefined): void => {
      if (allowed !== undefined) return done();
      const origin = String(request.headers.origin);
      options.onForeignOrigin(origin, explainOrigin(origin, clientInfo));
      done(because('origin', refusal(403, ORIGIN_REFUSED)));
    };
    check(request, clientInfo, decide, failed);
  };
}

function allowRequestCheck(allowRequest: AllowRequest): Check {
  return (request, _, done) =>
    allowRequest(request, (error, success) => {
      if (success) done();
      else done(because('allowRequest', refusal(403, typeof error === 'string' ? error : 'Forbidden')));
    });
}

/**
 * Returns the check of the option `verifyClient`. The number of its parameters distinguishes the two forms, as in `ws`.
 */
function verifyCheck(verifyClient: VerifyClient): Check {
  return (request, { isSecure }, done) => {
    const info = { origin: request.headers.origin ?? '', secure: isSecure === true, req: request };
    if (verifyClient.length < 2) {
      const decide = (passed: boolean): void =>
        done(passed ? undefined : because('verifyClient', refusal(401, 'Unauthorized')));
      const passed = (verifyClient as (info: object) => boolean | Promise<boolean>)(info);
      // unlike ws, which accepts a request for any promise; a promise may be of another realm
      return typeof passed === 'boolean' ? decide(passed) : Promise.resolve(passed).then(decide);
    }
    return (verifyClient as VerifyClientCallbackAsync)(info, (passed, code = 401, message, headers) => {
      if (passed) done();
      else
        done(
          because('verifyClient', verifyRefusal(code, message ?? STATUS_CODES[code] ?? 'Refused', headers)),
        );
    });
  };
}

/**
 * Returns the refusal of `verifyClient`. `ws` sends the message as the body; here the body is JSON, as in every
 * refusal.
 */
function verifyRefusal(status: number, message: string, headers: VerifyHeaders | undefined): HttpRefusal {
  const texts = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]);
  return { ...refusal(status, message), headers: Object.fromEntries(texts) as Record<string, string> };
}

type VerifyHeaders = Parameters<Parameters<VerifyClientCallbackAsync>[1]>[3];
