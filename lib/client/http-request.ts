import { refuseOption } from '../protocol/refuse.js';

/** Options of `http()`. */
export interface HttpOptions {
  /**
   * Whether requests have the cookies of the server, as in `fetch`. A server of another origin has to allow `'include'`. Default:
   * `'same-origin'`.
   */
  credentials?: 'include' | 'omit' | 'same-origin';
  /**
   * Milliseconds for which the client uses HTTP for a URL, once it worked there and a WebSocket did not. After that time the next
   * connection begins with a WebSocket. Default: a day.
   */
  webSocketRetryDelay?: number;
}

/** What the requests of one connection are for. */
export type Operation = 'open' | 'on' | 'send' | 'close';

/** Sends a request of a connection. */
export type Request = (
  operation: Operation,
  headers: Readonly<Record<string, string>>,
  init?: { readonly body?: string; readonly signal?: AbortSignal; readonly keepalive?: boolean },
) => Promise<Response>;

/** Returns the function that sends the requests of one connection. */
export function requestsTo(url: string, { credentials = 'same-origin' }: HttpOptions): Request {
  const address = `${url.replace(/^ws/, 'http')}${url.includes('?') ? '&' : '?'}envelope=`;
  return (operation, headers, given) => {
    // another server must not get the messages
    const init = {
      method: 'POST',
      headers,
      credentials,
      cache: 'no-store',
      redirect: 'error',
      ...given,
    } as const;
    return fetch(address + operation, init);
  };
}

/** Ends a response that is not read. */
export function discard({ body }: Response): void {
  body?.cancel().catch(() => undefined);
}

/** Whether the same request may succeed later. */
export function isTemporary(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

/**
 * Returns the milliseconds to wait after a number of failures of requests: a random part of a bound that grows. The line is lost
 * soon, so the bound is lower than that of reconnects.
 */
export function retryDelay(failures: number): number {
  return Math.min(5_000, 250 * 2 ** failures) * (0.5 + Math.random() / 2);
}

const CREDENTIALS = ['include', 'omit', 'same-origin'];

/** @throws TypeError that names the option */
export function checkOptions(options: HttpOptions): void {
  const { credentials = 'same-origin', webSocketRetryDelay = 0 } = options;
  if (!CREDENTIALS.includes(credentials))
    refuseOption('http', 'credentials', credentials, "'include', 'omit' or 'same-origin'");
  if (!(typeof webSocketRetryDelay === 'number' && webSocketRetryDelay >= 0))
    refuseOption('http', 'webSocketRetryDelay', webSocketRetryDelay, 'a number of milliseconds from 0 on');
}
