import { STATUS_CODES, type IncomingMessage } from 'node:http';
import { callSafely } from '../util/safe-call.js';
import { checkOrigin, explainOrigin, ORIGIN_REFUSED, type Cors } from './origin.js';
import type { OwnHosts } from './own-hosts.js';
import { refusal, type HttpRefusal } from './http-refusal.js';
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
export interface UpgradeChecks {
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
 * Combines the checks of a path into one, which responds with the first refusal. They run in order: origin,
 * verifyClient, allowRequest.
 */
export function combineChecks(options: UpgradeChecks): UpgradeCheck {
  const { verifyClient, allowRequest, onError } = options;
  const checks: Check[] = [originCheck(options)];
  if (verifyClient !== undefined) checks.push(verifyCheck(verifyClient));
  if (allowRequest !== undefined) checks.push(allowRequestCheck(allowRequest));
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

function originCheck({ cors, ownHosts, onForeignOrigin }: UpgradeChecks): Check {
  return (request, { host, isSecure }, done, failed) => {
    const decide = (allowed: boolean): void => {
      if (allowed) return done();
      const origin = String(request.headers.origin);
      onForeignOrigin(origin, explainOrigin(origin, host));
      done(refusal(403, ORIGIN_REFUSED));
    };
    checkOrigin(request, { host, isSecure, ownHosts }, cors(), decide, failed);
  };
}

function allowRequestCheck(allowRequest: AllowRequest): Check {
  return (request, _, done) =>
    allowRequest(request, (error, success) => {
      if (success) done();
      else done(refusal(403, typeof error === 'string' ? error : 'Forbidden'));
    });
}

/**
 * Returns the check of the option `verifyClient`. The number of its parameters distinguishes the two forms, as in `ws`.
 */
function verifyCheck(verifyClient: VerifyClient): Check {
  return (request, { isSecure }, done) => {
    const info = { origin: request.headers.origin ?? '', secure: isSecure === true, req: request };
    if (verifyClient.length < 2) {
      const decide = (passed: boolean): void => done(passed ? undefined : refusal(401, 'Unauthorized'));
      const passed = (verifyClient as (info: object) => boolean | Promise<boolean>)(info);
      // unlike ws, which accepts a request for any promise; a promise may be of another realm
      return typeof passed === 'boolean' ? decide(passed) : Promise.resolve(passed).then(decide);
    }
    return (verifyClient as VerifyClientCallbackAsync)(info, (passed, code = 401, message, headers) => {
      if (passed) done();
      else done(verifyRefusal(code, message ?? STATUS_CODES[code] ?? 'Refused', headers));
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
