import type { DefaultEventsMap, EventsMap } from '../protocol/typed-events.js';
import { ClientSocket } from './client-socket.js';
import { withDefaults, type ClientOptions } from './options.js';
import type { SocketConstructor } from './web-socket.js';

/**
 * @param caller the function or class that was given the URL, for the error
 * @throws TypeError where it is not the URL of a WebSocket
 */
export function toWebSocketUrl(url: string | URL, caller = 'connect'): string {
  const { location } = globalThis as { location?: { href: string } };
  const given: unknown = typeof url === 'string' ? url : (Object(url) as Partial<URL>).href;
  let address = '';
  try {
    // a page's own address will do
    if (given !== undefined) address = new URL(given as string, location?.href).href;
  } catch {
    // a path alone, where there is no page
  }
  address = address.replace(/^http/, 'ws').replace(/#.*/, '');
  if (/^wss?:/.test(address)) return address;
  const shown = typeof url === 'string' ? JSON.stringify(url) : String(url);
  throw new TypeError(
    `${caller}: url is ${shown}: it takes an absolute ws:// or wss:// URL, or in a page the path of its server`,
  );
}

export function connectWith<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
>(
  platform: SocketConstructor | undefined,
  url: string | URL,
  options: ClientOptions = {},
  /** Wraps the socket's class, the application's own too. */
  wrap: (Socket: SocketConstructor) => SocketConstructor = (Socket) => Socket,
): ClientSocket<Listen, Emit> {
  const address = toWebSocketUrl(url);
  const settings = withDefaults(options, platform);
  return new ClientSocket(address, { ...settings, WebSocket: wrap(settings.WebSocket) });
}
