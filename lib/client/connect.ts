import type { DefaultEventsMap, EventsMap } from '../protocol/typed-events.js';
import { invalidArgument, withCode } from '../protocol/with-code.js';
import { ClientSocket } from './client-socket.js';
import { withDefaults, type ClientOptions, type Settings } from './options.js';
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

/**
 * Returns the settings with a class for the option `transports`, in which each transport wraps the one before it.
 *
 * @throws TypeError if a transport is neither `'websocket'` nor a function; Error if the platform has no WebSocket, and
 * no other transport is given
 */
export function withTransports(
  settings: Settings,
  wrap: (Socket: SocketConstructor) => SocketConstructor,
): Settings {
  let Socket: SocketConstructor | undefined;
  for (const transport of settings.transports) {
    if (typeof transport === 'function') Socket = transport(Socket, settings);
    else if (transport === 'websocket') Socket = wrap(settings.WebSocket);
    else throw invalidArgument(`transports: ${String(transport)}: use 'websocket' or http()`);
  }
  if (Socket === undefined)
    throw withCode(
      'ERR_ENVELOPE_NO_WEBSOCKET',
      new Error('connect: this platform has no WebSocket. Pass one: connect(url, { WebSocket })'),
    );
  return { ...settings, WebSocket: Socket };
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
  return new ClientSocket(address, withTransports(withDefaults(options, platform), wrap));
}
