import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ClientOptions, ClientSocket, DefaultEventsMap } from '../../lib/client/node.js';
import { client, next } from './fixture.js';

type AnyClient = ClientSocket<DefaultEventsMap, DefaultEventsMap>;

/** Servers that are closed after the test. */
export const servers: WebSocketServer[] = [];
const thrown: unknown[] = [];
const { reportError } = globalThis as { reportError?: unknown };

beforeEach(() => {
  thrown.length = 0;
  Object.assign(globalThis, { reportError: (error: unknown) => thrown.push(error) });
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    for (const ws of server.clients) ws.terminate();
    server.close();
  }
  Object.assign(globalThis, { reportError });
  expect(thrown).toEqual([]);
});

export const HELLO =
  '{"event":"$session","data":{"id":"one","recovered":false,"session":"s","features":[]},"offset":"1"}';

/** Starts a server whose first message is `hello`, and a client. @returns both ends of the first connection */
export async function connectToServer(
  hello: string | Buffer = HELLO,
  options: ClientOptions = {},
): Promise<{
  socket: AnyClient;
  ws: WebSocket;
  server: WebSocketServer;
  connectionEvents: unknown[];
  events: unknown[][];
}> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: true,
    handleProtocols: () => 'envelope.v1',
  });
  servers.push(server);
  await once(server, 'listening');
  server.on('connection', (ws) => {
    ws.on('error', () => undefined).send(hello);
    // Answers each "echo" request with its data, so that a test can wait for a round trip.
    ws.on('message', (message) => {
      const { event, id, data } = JSON.parse(String(message)) as Record<string, unknown>;
      if (event === 'echo' && id !== undefined) ws.send(JSON.stringify({ ack: id, data }));
    });
  });
  const address = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const socket = client<DefaultEventsMap, DefaultEventsMap>(address, options);
  const connectionEvents: unknown[] = [];
  const events: unknown[][] = [];
  for (const event of ['connect', 'disconnect', 'connect_error'] as const)
    socket.on(event, (...args: unknown[]) => connectionEvents.push([event, ...args]));
  socket.onAny((event, data) => events.push([event, data]));
  const [connection] = await Promise.all([once(server, 'connection'), next(socket, 'connect')]);
  return { socket, ws: connection[0] as WebSocket, server, connectionEvents, events };
}
