import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from './app.js';
import type { Received, TestClient } from './client.js';

/** A gateway without handlers, for tests that use the server and its sockets directly. */
@WebSocketGateway({ path: '/ws' })
export class BareGateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly connected: EnvelopeSocket[] = [];
  readonly disconnected: [EnvelopeSocket, string][] = [];

  handleConnection(client: EnvelopeSocket): void {
    this.connected.push(client);
  }
  handleDisconnect(client: EnvelopeSocket, reason?: string): void {
    this.disconnected.push([client, String(reason)]);
  }
}

/** A client and its socket on the server. */
export interface Pair {
  client: TestClient;
  socket: EnvelopeSocket;
}

/** An application with only a {@link BareGateway}. */
export interface BareApp {
  app: TestApp;
  gateway: BareGateway;
  server: EnvelopeServer;
  /** Connects `count` clients. */
  join: (count: number, query?: string) => Promise<Pair[]>;
}

let names = 0;

/** Connects a client to `/ws` and finds its socket. */
export async function joinOne(app: TestApp, server: EnvelopeServer, query = ''): Promise<Pair> {
  const name = `client-${names++}`;
  const client = await app.connect(`/ws${query}`, { headers: { 'x-request-id': name } });
  await client.settled();
  const socket = [...server.sockets.values()].find((candidate) => candidate.requestId === name);
  if (socket === undefined) throw new Error('the client has no socket on the server');
  return { client, socket };
}

export async function startBareApp(adapter?: EnvelopeOptions): Promise<BareApp> {
  const app = await startApp({ providers: [BareGateway] }, adapter === undefined ? {} : { adapter });
  const gateway = app.nest.get(BareGateway);
  const { server } = gateway;
  const join = async (count: number, query?: string): Promise<Pair[]> => {
    const pairs: Pair[] = [];
    while (pairs.length < count) pairs.push(await joinOne(app, server, query));
    return pairs;
  };
  return { app, gateway, server, join };
}

/** Returns the events that a client received, without responses. Waits until all messages in flight have arrived. */
export async function got(client: TestClient): Promise<[event: string, data: unknown][]> {
  await client.settled();
  return client.frames.filter(isEvent).map(({ event, data }) => [event!, data]);
}

function isEvent(frame: Received): boolean {
  return frame.ack === undefined && frame.event !== undefined;
}

/** Answers the next request with this event as a client. */
export async function answer(client: TestClient, event: string, data: unknown): Promise<Received> {
  const request = await client.next(event);
  client.send({ ack: request.id, data });
  return request;
}
