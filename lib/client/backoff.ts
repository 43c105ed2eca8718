import { MAX_DELAY } from '../protocol/max-delay.js';
import type { Settings } from './options.js';

/** How a line, or an attempt to open one, came to its end. */
export interface Ending {
  /** The close code; 1006 where there was none. */
  readonly code: number;
  readonly reason: string;
  /** Of an upgrade that was refused, where the platform tells. */
  readonly status?: number;
  /** Milliseconds, as the server asked for. */
  readonly retryAfter?: number | undefined;
}

/** PROTOCOL.md, "Life and death of a line": not before something was changed. */
const FINAL: ReadonlySet<number> = new Set([1000, 1002, 1003, 1005, 1007, 1008, 1009, 1010]);
/** After a longer pause. */
const LATER: ReadonlySet<number> = new Set([1011, 1013]);
const FRESH_TOKEN = 4401;
/** Closed by this client, because the server was silent. */
export const SILENT = 4408;
/** HTTP's: not in time, too early, too many. */
const TEMPORARY: ReadonlySet<number> = new Set([408, 425, 429]);
const LATER_DELAY = 5_000;
/** The longest time that a server can ask for: nobody waits longer for a page to come back to life. */
const MAX_RETRY_AFTER = 5 * 60_000;

/**
 * Whether to come back after that. Codes from 3000 on are the application's own, which ended the line on purpose.
 */
export function mayComeBack({ code, status = 0 }: Ending): boolean {
  if (status >= 400 && status < 500) return TEMPORARY.has(status);
  if (code >= 3000) return code === FRESH_TOKEN || code === SILENT;
  return !FINAL.has(code);
}

/**
 * Milliseconds until the next attempt: full jitter, anything below a bound that doubles, so that a thousand clients of one
 * server that restarts come back spread over it. What the server asks for counts, up to five minutes (or
 * `reconnectionDelayMax`, where that is longer), and half as much more by chance.
 *
 * @param attempts that have failed in a row
 */
export function delayOf(
  attempts: number,
  { code, retryAfter }: Ending,
  { reconnectionDelay, reconnectionDelayMax }: Settings,
): number {
  const bound = Math.min(reconnectionDelayMax, reconnectionDelay * 2 ** attempts);
  const asked = Math.min(retryAfter ?? 0, Math.max(MAX_RETRY_AFTER, reconnectionDelayMax));
  const atLeast = retryAfter === undefined && LATER.has(code) ? LATER_DELAY : asked;
  return Math.min(MAX_DELAY, atLeast + Math.random() * Math.max(bound, atLeast / 2));
}
