import type { IncomingMessage } from 'node:http';
import type { VerifyClientCallbackAsync, VerifyClientCallbackSync } from 'ws';

/** Socket.IO's option: `callback(error, success)` lets a request in or refuses it with 403. */
export type AllowRequest = (
  request: IncomingMessage,
  callback: (error: string | null | undefined, success: boolean) => void,
) => void;

/** `ws`'s option, in both of its forms. */
export type VerifyClient = VerifyClientCallbackSync | VerifyClientCallbackAsync;

type Verdict = Parameters<VerifyClientCallbackAsync>[1];

/** One check out of `ws`'s option and Socket.IO's; `undefined` where there is neither. */
export function combineChecks(
  verifyClient: VerifyClient | undefined,
  allowRequest: AllowRequest | undefined,
): VerifyClientCallbackAsync | undefined {
  if (allowRequest === undefined) return verifyClient === undefined ? undefined : toAsync(verifyClient);
  const allow: VerifyClientCallbackAsync = (info, verdict) => {
    allowRequest(info.req, (error, success) => {
      if (success) verdict(true);
      else verdict(false, 403, typeof error === 'string' ? error : 'Forbidden');
    });
  };
  if (verifyClient === undefined) return allow;
  const verify = toAsync(verifyClient);
  return (info, verdict: Verdict) => {
    verify(info, (verified, ...rest) => (verified ? allow(info, verdict) : verdict(false, ...rest)));
  };
}

/** `ws` tells its two forms apart by the number of parameters; so do we. */
function toAsync(verifyClient: VerifyClient): VerifyClientCallbackAsync {
  if (verifyClient.length >= 2) return verifyClient as VerifyClientCallbackAsync;
  const verify = verifyClient as VerifyClientCallbackSync;
  return (info, verdict) => verdict(verify(info), 401);
}
