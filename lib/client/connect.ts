import type { DefaultEventsMap, EventsMap } from '../protocol/typed-events.js';
import { ClientSocket } from './client-socket.js';
import { withDefaults, type ClientOptions } from './options.js';
import type { SocketConstructor } from './web-socket.js';

/** @throws Error where the address is none */
export function toWebSocketUrl(url: string | URL): string {
  const { location } = globalThis as { location?: { href: string } };
  // a page's own address will do
  const address = new URL(url, location?.href).href.replace(/^http/, 'ws').replace(/#.*/, '');
  if (!/^wss?:/.test(address)) throw new Error(`"${address}" is no address of a WebSocket`);
  return address;
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
