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

/** Socket.IO's option: `callback(error, success)` lets a request in or refuses it with 403. */
export type AllowRequest = (
  request: IncomingMessage,
  callback: (error: string | null | undefined, success: boolean) => void,
) => void;

/** `ws`'s option, in both of its forms. */
export type VerifyClient = VerifyClientCallbackSync | VerifyClientCallbackAsync;

/** One check of an upgrade request; what it calls back with is the refusal, nothing lets the request on. */
export type UpgradeCheck = (
  request: IncomingMessage,
  visitor: ClientInfo,
  done: (refused?: HttpRefusal) => void,
) => void;

/** A part of it; it may throw or return a promise, and has `failed` for what users' code does after that. */
type Check = (...given: [...Parameters<UpgradeCheck>, failed: (error: unknown) => void]) => unknown;

/** What a path's upgrades are checked against, before its guards. */
export interface UpgradeChecks {
  /** Asked at each request: the application may set its own rule late. */
  cors: () => Cors | undefined;
  /** The option `hosts`. */
  ownHosts?: OwnHosts | undefined;
  verifyClient?: VerifyClient | undefined;
  allowRequest?: AllowRequest | undefined;
  /** Hears of a refused origin. */
  onForeignOrigin: (origin: string, explanation: string) => void;
  /** Hears of a check that threw, or whose promise rejected. */
  onError: (error: unknown) => void;
}

/** All that a request must pass before anybody looks who it is, as one check: the first refusal is the answer. */
export function combineChecks(given: UpgradeChecks): UpgradeCheck {
  const { verifyClient, allowRequest, onError } = given;
  const checks: Check[] = [originCheck(given)];
  if (verifyClient !== undefined) checks.push(verifyCheck(verifyClient));
  if (allowRequest !== undefined) checks.push(allowRequestCheck(allowRequest));
  return (request, visitor, done) => {
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
      callSafely(() => check(request, visitor, next, failed), failed);
    };
    run(0);
  };
}

function originCheck({ cors, ownHosts, onForeignOrigin }: UpgradeChecks): Check {
  return (request, { host, isSecure }, done, failed) => {
    const judge = (allowed: boolean): void => {
      if (allowed) return done();
      const origin = String(request.headers.origin);
      onForeignOrigin(origin, explainOrigin(origin, host));
      done(refusal(403, ORIGIN_REFUSED));
    };
    checkOrigin(request, { host, isSecure, ownHosts }, cors(), judge, failed);
  };
}

function allowRequestCheck(allowRequest: AllowRequest): Check {
  return (request, _, done) =>
    allowRequest(request, (error, success) => {
      if (success) done();
      else done(refusal(403, typeof error === 'string' ? error : 'Forbidden'));
    });
}

/** `ws` tells its two forms apart by the number of parameters; so do we. */
function verifyCheck(verifyClient: VerifyClient): Check {
  return (request, { isSecure }, done) => {
    const info = { origin: request.headers.origin ?? '', secure: isSecure === true, req: request };
    if (verifyClient.length < 2) {
      const judge = (passed: boolean): void => done(passed ? undefined : refusal(401, 'Unauthorized'));
      const passed = (verifyClient as (info: object) => boolean | Promise<boolean>)(info);
      // ws takes any promise for a yes, and not every one is of this realm's Promise
      return typeof passed === 'boolean' ? judge(passed) : Promise.resolve(passed).then(judge);
    }
    return (verifyClient as VerifyClientCallbackAsync)(info, (passed, code = 401, message, headers) => {
      if (passed) done();
      else done(verdictRefusal(code, message ?? STATUS_CODES[code] ?? 'Refused', headers));
    });
  };
}

/** `ws` sends the message as it is; here it is that of a JSON body, as with every refusal. */
function verdictRefusal(status: number, message: string, headers: VerdictHeaders | undefined): HttpRefusal {
  const given = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]);
  return { ...refusal(status, message), headers: Object.fromEntries(given) as Record<string, string> };
}

type VerdictHeaders = Parameters<Parameters<VerifyClientCallbackAsync>[1]>[3];
