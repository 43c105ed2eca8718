import type { Socket } from 'node:net';
import type { TestApp } from './app.js';

/**
 * Gives new connections these remote addresses, one after the other, and the last address to all that
 * follow: a test has only loopback. The connections themselves are real.
 */
export function fakeAddresses(app: TestApp, ...addresses: string[]): void {
  const http = app.nest.getHttpServer() as NodeJS.EventEmitter;
  const setAddress = (tcp: Socket): void => {
    const address = addresses.length > 1 ? addresses.shift() : addresses[0];
    Object.defineProperty(tcp, 'remoteAddress', { value: address, configurable: true });
  };
  const previous = listeners.get(http);
  if (previous !== undefined) http.off('connection', previous);
  listeners.set(http, setAddress);
  http.prependListener('connection', setAddress);
}

const listeners = new WeakMap<object, (tcp: Socket) => void>();
