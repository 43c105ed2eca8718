import type { IncomingMessage } from 'node:http';
import type { VerifyClientCallbackAsync, VerifyClientCallbackSync } from 'ws';
import { attempt } from '../server/attempt.js';
import { checkOrigin, explainOrigin, type Cors } from './origin.js';
import { jsonRefusal } from './refusal.js';

/** Socket.IO's option: `callback(error, success)` lets a request in or refuses it with 403. */
export type AllowRequest = (
  request: IncomingMessage,
  callback: (error: string | null | undefined, success: boolean) => void,
) => void;

/** `ws`'s option, in both of its forms. */
export type VerifyClient = VerifyClientCallbackSync | VerifyClientCallbackAsync;

/** One check of an upgrade request: `ws`'s asynchronous form. */
export type UpgradeCheck = VerifyClientCallbackAsync;

/** What a path's upgrades are checked against. */
export interface UpgradeChecks {
  cors?: Cors | undefined;
  verifyClient?: VerifyClient | undefined;
  allowRequest?: AllowRequest | undefined;
  /** Hears of a refused origin. */
  onForeignOrigin: (origin: string, explanation: string) => void;
  /** Hears of a check that threw, or whose promise rejected. */
  onError: (error: unknown) => void;
}

/** All that a request must pass before the 101, as one check for `ws`: the first refusal is the answer. */
export function combineChecks(given: UpgradeChecks): UpgradeCheck {
  const { cors, verifyClient, allowRequest, onForeignOrigin, onError } = given;
  const checks: UpgradeCheck[] = [originCheck(cors, onForeignOrigin)];
  if (verifyClient !== undefined) checks.push(toAsync(verifyClient));
  if (allowRequest !== undefined) checks.push(allowRequestCheck(allowRequest));
  return (info, verdict) => {
    const run = (index: number): void => {
      const check = checks[index];
      if (check === undefined) return verdict(true);
      attempt(
        () => check(info, (passed, ...refusal) => (passed ? run(index + 1) : verdict(false, ...refusal))),
        (error) => {
          onError(error);
          verdict(false, 500, ...jsonRefusal(500, 'Internal server error'));
        },
      );
    };
    run(0);
  };
}

function originCheck(
  cors: Cors | undefined,
  onForeignOrigin: UpgradeChecks['onForeignOrigin'],
): UpgradeCheck {
  return ({ req }, verdict) =>
    checkOrigin(req, cors, (allowed) => {
      if (allowed) return verdict(true);
      const explanation = explainOrigin(req);
      onForeignOrigin(String(req.headers.origin), explanation);
      verdict(false, 403, ...jsonRefusal(403, explanation));
    });
}

function allowRequestCheck(allowRequest: AllowRequest): UpgradeCheck {
  return ({ req }, verdict) =>
    allowRequest(req, (error, success) => {
      if (success) verdict(true);
      else verdict(false, 403, ...jsonRefusal(403, typeof error === 'string' ? error : 'Forbidden'));
    });
}

/** `ws` tells its two forms apart by the number of parameters; so do we. */
function toAsync(verifyClient: VerifyClient): UpgradeCheck {
  if (verifyClient.length >= 2) return verifyClient as VerifyClientCallbackAsync;
  const verify = verifyClient as VerifyClientCallbackSync;
  return (info, verdict) =>
    verify(info) ? verdict(true) : verdict(false, 401, ...jsonRefusal(401, 'Unauthorized'));
}
