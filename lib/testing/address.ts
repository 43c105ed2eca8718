import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';

/** What is read of the application's HTTP server, on whatever platform. */
interface HttpServer {
  readonly listening: boolean;
  address(): AddressInfo | string | null;
  /** A server that speaks TLS has it. */
  setSecureContext?: unknown;
}

const starting = new WeakMap<INestApplication, Promise<unknown>>();

/**
 * Where a path of the application is. One that does not listen yet is made to, on a free port of 127.0.0.1.
 *
 * @param port of a gateway that has one of its own
 */
export async function urlOf(app: INestApplication, path: string, port?: number): Promise<string> {
  const server = app.getHttpServer() as HttpServer;
  if (!server.listening) {
    // several clients at once start it once
    if (!starting.has(app)) starting.set(app, app.listen(0, '127.0.0.1'));
    await starting.get(app);
  }
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('the application listens on no port: a test client connects over TCP');
  const scheme = server.setSecureContext === undefined ? 'ws' : 'wss';
  const rest = path.startsWith('/') ? path : `/${path}`;
  return `${scheme}://${hostOf(address)}:${port ?? address.port}${rest}`;
}

/** Who listens on all addresses listens on this one. */
function hostOf({ address }: AddressInfo): string {
  if (address === '::' || address === '0.0.0.0') return '127.0.0.1';
  return address.includes(':') ? `[${address}]` : address;
}
