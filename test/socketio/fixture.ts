import type { Duplex } from 'node:stream';
import type { Type } from '@nestjs/common';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer, type EnvelopeSocket, type GatewayOptions } from '../../lib/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import type { ConnectOptions, Received, TestClient } from '../support/client.js';
import { requestUpgrade } from '../support/upgrade.js';

/** Returns a gateway that mounts its path without handlers. The test listens to the server and its sockets. */
export function bareGateway(options: GatewayOptions = {}): Type<{ server: EnvelopeServer }> {
  @WebSocketGateway(options)
  class BareGateway {
    @WebSocketServer() server!: EnvelopeServer;
  }
  return BareGateway;
}

/** Starts an application with one bare gateway for each of the options. @returns the application and the servers */
export async function startServers(
  gateways: GatewayOptions[],
  options?: AppOptions,
): Promise<{ app: TestApp; servers: EnvelopeServer[] }> {
  const providers = gateways.map(bareGateway);
  const app = await startApp({ providers }, options);
  return { app, servers: providers.map((provider) => app.nest.get(provider).server) };
}

/** The client and the server side of one connection. */
export interface Pair {
  client: TestClient;
  socket: EnvelopeSocket;
}

/** Connects a client and finds its socket. Call it once at a time: it returns the next socket that connects. */
export async function connectPair(
  app: TestApp,
  server: EnvelopeServer,
  path = server.name,
  options?: ConnectOptions,
): Promise<Pair> {
  const met = new Promise<EnvelopeSocket>((resolve) => server.once('connection', resolve));
  const client = await app.connect(path, options);
  return { client, socket: await met };
}

/** Starts an application with one gateway and one client. */
export async function startPair(
  options: GatewayOptions = {},
): Promise<Pair & { app: TestApp; server: EnvelopeServer }> {
  const { app, servers } = await startServers([options]);
  const server = servers[0]!;
  return { app, server, ...(await connectPair(app, server)) };
}

/** Returns the frames of one event that were sent to the client up to now. */
export async function received(client: TestClient, event: string): Promise<Received[]> {
  await client.settled();
  return client.frames.filter((frame) => frame.event === event);
}

/** Returns the status and the body of the response to an upgrade; 101 if it was accepted. */
export async function tryUpgrade(app: TestApp, path: string): Promise<{ status: number; body: string }> {
  const { status, body } = await requestUpgrade(app.port, path);
  return { status, body };
}

/** Returns the TCP socket of a client, to write bytes that `ws` would not send. */
export function tcpSocketOf(client: TestClient): Duplex & { resetAndDestroy(): void } {
  return Reflect.get(client.ws, '_socket') as Duplex & { resetAndDestroy(): void };
}
