import { onNetworkChange } from './network-change.js';

/** Number of URLs that are remembered. */
const MAX_URLS = 200;
/** Failures in a row after which HTTP is tried where a WebSocket has worked before: the server may be down for a moment. */
const FAILURES = 3;

/** What is known of one URL. */
interface Known {
  /** Whether a WebSocket has opened. */
  hasWorked: boolean;
  /** WebSockets in a row that did not open. */
  failures: number;
  /** Until when HTTP is used, in milliseconds since 1970: the time counts while the device sleeps. */
  httpUntil: number;
}

/** What the clients of this page or process know of their network. */
const urls = new Map<string, Known>();
let isWatching = false;

function known(url: string): Known {
  if (!isWatching) {
    isWatching = true;
    // another network may let WebSockets through, or not
    const forget = (): void => urls.clear();
    onNetworkChange(forget, forget);
  }
  const key = url.replace(/\?.*/, '');
  const found = urls.get(key) ?? { hasWorked: false, failures: 0, httpUntil: 0 };
  // the last one now
  urls.delete(key);
  urls.set(key, found);
  if (urls.size > MAX_URLS) urls.delete(urls.keys().next().value!);
  return found;
}

/** Whether to begin with HTTP. */
export function prefersHttp(url: string): boolean {
  return Date.now() < known(url).httpUntil;
}

export function webSocketWorked(url: string): void {
  Object.assign(known(url), { hasWorked: true, failures: 0, httpUntil: 0 });
}

/** Notes that a WebSocket did not work. @returns whether to try HTTP now */
export function webSocketFailed(url: string): boolean {
  const state = known(url);
  state.failures++;
  return !state.hasWorked || state.failures % FAILURES === 0;
}

/** Lets further connections begin with HTTP for that many milliseconds. */
export function preferHttp(url: string, milliseconds: number): void {
  known(url).httpUntil = Date.now() + milliseconds;
}

/** Lets the next connection begin with a WebSocket: HTTP did not work. */
export function httpFailed(url: string): void {
  known(url).httpUntil = 0;
}
