import type { Duplex } from 'node:stream';
import type { Type } from '@nestjs/common';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer, type EnvelopeSocket, type GatewayOptions } from '../../../lib/index.js';
import { startApp, type AppOptions, type TestApp } from '../../support/app.js';
import type { ConnectOptions, Received, TestClient } from '../../support/client.js';
import { askForUpgrade } from '../../support/upgrade.js';

/** A gateway that mounts its path and handles nothing: the test listens to the server and its sockets. */
export function bareGateway(options: GatewayOptions = {}): Type<{ server: EnvelopeServer }> {
  @WebSocketGateway(options)
  class BareGateway {
    @WebSocketServer() server!: EnvelopeServer;
  }
  return BareGateway;
}

/** An application with one bare gateway for each of these, and their servers. */
export async function serve(
  gateways: GatewayOptions[],
  options?: AppOptions,
): Promise<{ app: TestApp; servers: EnvelopeServer[] }> {
  const providers = gateways.map(bareGateway);
  const app = await startApp({ providers }, options);
  return { app, servers: providers.map((provider) => app.nest.get(provider).server) };
}

/** Both ends of one connection. */
export interface Pair {
  client: TestClient;
  socket: EnvelopeSocket;
}

/** Connects a client and finds its socket. One at a time: it takes the next socket that the server tells of. */
export async function meet(
  app: TestApp,
  server: EnvelopeServer,
  path = server.name,
  options?: ConnectOptions,
): Promise<Pair> {
  const met = new Promise<EnvelopeSocket>((resolve) => server.once('connection', resolve));
  const client = await app.connect(path, options);
  return { client, socket: await met };
}

/** An application with one gateway and one client. */
export async function meetOne(
  options: GatewayOptions = {},
): Promise<Pair & { app: TestApp; server: EnvelopeServer }> {
  const { app, servers } = await serve([options]);
  const server = servers[0]!;
  return { app, server, ...(await meet(app, server)) };
}

/** What a client got of one event, when it has got all that was sent to it up to now. */
export async function received(client: TestClient, event: string): Promise<Received[]> {
  await client.settled();
  return client.frames.filter((frame) => frame.event === event);
}

/** The status and the body with which an upgrade is answered; 101 where it is let in. */
export async function tryUpgrade(app: TestApp, path: string): Promise<{ status: number; body: string }> {
  const { status, body } = await askForUpgrade(app.port, path);
  return { status, body };
}

/** The TCP socket under a client, to put bytes on the line that `ws` would not. */
export function lineOf(client: TestClient): Duplex & { resetAndDestroy(): void } {
  return Reflect.get(client.ws, '_socket') as Duplex & { resetAndDestroy(): void };
}
