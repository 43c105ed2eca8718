import { MAX_DELAY } from '../protocol/max-delay.js';
import type { Settings } from './options.js';

/** How a connection, or an attempt to open one, ended. */
export interface CloseDetails {
  /** The close code. 1006 if no close frame arrived. */
  readonly code: number;
  readonly reason: string;
  /** The HTTP status of a refused upgrade, on platforms that report it. */
  readonly status?: number;
  /** Milliseconds to wait before the next attempt, if the server sent `Retry-After`. */
  readonly retryAfter?: number | undefined;
}

/** Codes after which a reconnect fails until the client or the server changes. PROTOCOL.md lists them with their meaning. */
const FINAL: ReadonlySet<number> = new Set([1000, 1002, 1003, 1005, 1007, 1008, 1009, 1010]);
/** Codes that ask for a longer delay. */
const LATER: ReadonlySet<number> = new Set([1011, 1013]);
const UNAUTHORIZED = 4401;
/** The code with which this client closes a connection on which the server no longer answers. */
export const PING_TIMEOUT = 4408;
/** The HTTP statuses of the 4xx range that time can cure: Request Timeout, Too Early, Too Many Requests. */
const TEMPORARY: ReadonlySet<number> = new Set([408, 425, 429]);
const LATER_DELAY = 5_000;
/** The longest `Retry-After` that the client obeys, in milliseconds: a user does not wait longer for a page to recover. */
const MAX_RETRY_AFTER = 5 * 60_000;

/**
 * Whether the client reconnects after this end. An application that closes with a code from 3000 on does so on purpose, so the
 * client stays disconnected, except for 4401 (expired credentials) and this client's own 4408 (ping timeout).
 */
export function mayReconnect({ code, status = 0 }: CloseDetails): boolean {
  if (status >= 400 && status < 500) return TEMPORARY.has(status);
  if (code >= 3000) return code === UNAUTHORIZED || code === PING_TIMEOUT;
  return !FINAL.has(code);
}

/**
 * Returns the milliseconds until the next attempt. The delay has full jitter: a random value below a bound that doubles with each
 * attempt, so that a thousand clients of a restarting server spread their reconnects over it. A `Retry-After` of the server
 * is a minimum, up to five minutes (or `reconnectionDelayMax`, if that is longer), plus a random half of it.
 *
 * @param attempts number of failed attempts in a row
 */
export function reconnectDelay(
  attempts: number,
  { code, retryAfter }: CloseDetails,
  { reconnectionDelay, reconnectionDelayMax }: Settings,
): number {
  const bound = Math.min(reconnectionDelayMax, reconnectionDelay * 2 ** attempts);
  const requested = Math.min(retryAfter ?? 0, Math.max(MAX_RETRY_AFTER, reconnectionDelayMax));
  const minimum = retryAfter === undefined && LATER.has(code) ? LATER_DELAY : requested;
  return Math.min(MAX_DELAY, minimum + Math.random() * Math.max(bound, minimum / 2));
}
