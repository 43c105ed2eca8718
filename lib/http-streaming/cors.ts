import type { IncomingMessage, ServerResponse } from 'node:http';
import { MAX_DELAY } from '../protocol/max-delay.js';
import type { ClientInfo } from '../server/handshake/client-info.js';
import type { Endpoint } from '../server/upgrade/endpoint.js';
import type { CorsOptions } from '../server/upgrade/origin.js';

/** Seconds for which browsers need not ask again. */
const MAX_AGE = '600';

/**
 * Decides whether pages of the request's origin may connect, by the rule of the path. Calls back once, with the options of the
 * rule; `undefined`: they may not.
 *
 * @param timeout milliseconds for the application's rule
 */
export function checkOrigin(
  endpoint: Endpoint,
  request: IncomingMessage,
  clientInfo: ClientInfo,
  timeout: number,
  report: (error: unknown) => void,
  done: (allowed: CorsOptions | undefined) => void,
): void {
  let isDone = false;
  let deadline: NodeJS.Timeout | undefined;
  const finish = (allowed: CorsOptions | undefined): void => {
    if (isDone) return;
    isDone = true;
    clearTimeout(deadline);
    done(allowed);
  };
  const failed = (error: unknown): void => {
    report(error);
    finish(undefined);
  };
  endpoint.checkOrigin(request, clientInfo, finish, failed);
  // most rules decide at once; a timer with a longer delay would expire at once
  if (isDone || timeout > MAX_DELAY) return;
  deadline = setTimeout(() => finish(undefined), timeout);
  deadline.unref();
}

/** Lets a page of another origin read the response. Its own origin needs no header. */
export function allowOrigin(
  { headers: { origin } }: IncomingMessage,
  response: ServerResponse,
  allowed: CorsOptions,
): void {
  if (origin === undefined || allowed.origin === undefined) return;
  response.setHeader('Access-Control-Allow-Origin', allowed.origin === '*' ? '*' : origin);
  response.setHeader('Access-Control-Expose-Headers', 'Retry-After');
  response.setHeader('Vary', 'Origin');
  if (allowed['credentials'] === true) response.setHeader('Access-Control-Allow-Credentials', 'true');
}

/** Answers a browser that asks whether a page may send a request. */
export function answerPreflight(response: ServerResponse): void {
  response
    .writeHead(204, {
      'Access-Control-Allow-Methods': 'POST',
      'Access-Control-Allow-Headers':
        'Authorization, Content-Type, Envelope-Have, Envelope-Line, Envelope-Seq',
      'Access-Control-Max-Age': MAX_AGE,
      'Cache-Control': 'no-store',
    })
    .end();
}
