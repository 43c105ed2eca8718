import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ClientOptions, ClientSocket, DefaultEventsMap } from '../../lib/client/node.js';
import { client, next } from './fixture.js';

type AnyClient = ClientSocket<DefaultEventsMap, DefaultEventsMap>;

/** Closed after the test. */
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

/** A server that says what it likes; the first line's socket, and its client. */
export async function meet(
  hello: string | Buffer = HELLO,
  options: ClientOptions = {},
): Promise<{
  socket: AnyClient;
  ws: WebSocket;
  server: WebSocketServer;
  told: unknown[];
  heard: unknown[][];
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
    // answers every request with its data, as for "settled"
    ws.on('message', (message) => {
      const { event, id, data } = JSON.parse(String(message)) as Record<string, unknown>;
      if (event === 'echo' && id !== undefined) ws.send(JSON.stringify({ ack: id, data }));
    });
  });
  const address = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const socket = client<DefaultEventsMap, DefaultEventsMap>(address, options);
  const told: unknown[] = [];
  const heard: unknown[][] = [];
  for (const event of ['connect', 'disconnect', 'connect_error'] as const)
    socket.on(event, (...args: unknown[]) => told.push([event, ...args]));
  socket.onAny((event, data) => heard.push([event, data]));
  const [line] = await Promise.all([once(server, 'connection'), next(socket, 'connect')]);
  return { socket, ws: line[0] as WebSocket, server, told, heard };
}
