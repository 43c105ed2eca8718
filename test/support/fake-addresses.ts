import type { Socket } from 'node:net';
import type { TestApp } from './app.js';

/**
 * Makes the lines that come from now on look as if they came from these addresses, one after the other and the last
 * for all that follow: a test has but loopback. The lines themselves are real.
 */
export function fakeAddresses(app: TestApp, ...addresses: string[]): void {
  const http = app.nest.getHttpServer() as NodeJS.EventEmitter;
  const pretend = (tcp: Socket): void => {
    const address = addresses.length > 1 ? addresses.shift() : addresses[0];
    Object.defineProperty(tcp, 'remoteAddress', { value: address, configurable: true });
  };
  const known = listeners.get(http);
  if (known !== undefined) http.off('connection', known);
  listeners.set(http, pretend);
  http.prependListener('connection', pretend);
}

const listeners = new WeakMap<object, (tcp: Socket) => void>();
