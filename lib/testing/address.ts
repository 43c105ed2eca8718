import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { withCode } from '../protocol/with-code.js';

/** The part of an HTTP server that `urlOf` reads. Every platform of Nest has it. */
interface HttpServer {
  readonly listening: boolean;
  address(): AddressInfo | string | null;
  /** Present on servers that use TLS. */
  setSecureContext?: unknown;
}

const starting = new WeakMap<INestApplication, Promise<unknown>>();

/**
 * Returns the URL of a path of the application. Starts the application on a free port of 127.0.0.1 if it does not listen yet.
 *
 * @param port port of the gateway, if it differs from the application's
 * @throws (rejects) Error if the application listens on a Unix socket
 */
export async function urlOf(app: INestApplication, path: string, port?: number): Promise<string> {
  const server = app.getHttpServer() as HttpServer;
  if (!server.listening) {
    // several concurrent calls start it once
    if (!starting.has(app)) starting.set(app, app.listen(0, '127.0.0.1'));
    await starting.get(app);
  }
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw withCode(
      'ERR_ENVELOPE_NO_PORT',
      new Error('createTestClient: the application does not listen on a TCP port. Call app.listen(0)'),
    );
  const scheme = server.setSecureContext === undefined ? 'ws' : 'wss';
  const rest = path.startsWith('/') ? path : `/${path}`;
  return `${scheme}://${hostOf(address)}:${port ?? address.port}${rest}`;
}

/** Returns the host for a URL. A server that listens on all addresses is reached at 127.0.0.1. */
function hostOf({ address }: AddressInfo): string {
  if (address === '::' || address === '0.0.0.0') return '127.0.0.1';
  return address.includes(':') ? `[${address}]` : address;
}
