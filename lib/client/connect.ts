import type { DefaultEventsMap, EventsMap } from '../protocol/typed-events.js';
import { ClientSocket } from './client-socket.js';
import { withDefaults, type ClientOptions } from './options.js';
import type { SocketConstructor } from './web-socket.js';

/** @throws Error where the address is none */
function toWebSocketUrl(url: string | URL): string {
  const { location } = globalThis as { location?: { href: string } };
  const parsed = new URL(url, location?.href);
  // a page's own address is the one that its socket has
  const { href } = parsed;
  if (/^https?:/.test(href)) return href.replace(/^http/, 'ws').replace(/#.*/, '');
  if (/^wss?:/.test(href)) return href.replace(/#.*/, '');
  throw new Error(`${href} is no address of a WebSocket: it begins with neither ws: nor wss:`);
}

export function connectWith<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
>(
  platform: SocketConstructor | undefined,
  url: string | URL,
  options: ClientOptions = {},
): ClientSocket<Listen, Emit> {
  return new ClientSocket(toWebSocketUrl(url), withDefaults(options, platform));
}
