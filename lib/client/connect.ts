import type { DefaultEventsMap, EventsMap } from '../protocol/typed-events.js';
import { invalidArgument } from '../protocol/with-code.js';
import { ClientSocket } from './client-socket.js';
import { withDefaults, type ClientOptions } from './options.js';
import type { SocketConstructor } from './web-socket.js';

/**
 * Returns the absolute `ws:` or `wss:` URL, without a fragment. `http:` and `https:` are converted.
 *
 * @param caller the function or class that received the URL, for the error
 * @throws TypeError if the URL is malformed, has another scheme, or is relative outside of a page
 */
export function toWebSocketUrl(url: string | URL, caller = 'connect'): string {
  const { location } = globalThis as { location?: { href: string } };
  const given: unknown = typeof url === 'string' ? url : (Object(url) as Partial<URL>).href;
  let address = '';
  try {
    // in a page a relative URL resolves against the page's address
    if (given !== undefined) address = new URL(given as string, location?.href).href;
  } catch {
    // a relative URL outside of a page
  }
  address = address.replace(/^http/, 'ws').replace(/#.*/, '');
  if (/^wss?:/.test(address)) return address;
  const shown = typeof url === 'string' ? JSON.stringify(url) : String(url);
  throw invalidArgument(
    `${caller}: url is ${shown}: it takes an absolute ws:// or wss:// URL, or in a page the path of its server`,
  );
}

/** Creates a client on the WebSocket of a platform, or on the one in the options. Both entries share it. */
export function connectWith<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
>(
  platform: SocketConstructor | undefined,
  url: string | URL,
  options: ClientOptions = {},
  /** Wraps the WebSocket class, including one from the options. */
  wrap: (Socket: SocketConstructor) => SocketConstructor = (Socket) => Socket,
): ClientSocket<Listen, Emit> {
  const address = toWebSocketUrl(url);
  const settings = withDefaults(options, platform);
  return new ClientSocket(address, { ...settings, WebSocket: wrap(settings.WebSocket) });
}
