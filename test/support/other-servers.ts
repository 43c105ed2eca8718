import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import type { TestClient } from './client.js';

/** Another WebSocket server in the same process, with another protocol. */
export interface OtherServer {
  /** The URLs that its listener for upgrades received. */
  readonly upgrades: string[];
  /** The URLs of the upgrades that it accepted. */
  readonly accepted: string[];
}

function answerAll(accepted: string[]): (ws: WebSocket, request: IncomingMessage) => void {
  return (ws, request) => {
    accepted.push(request.url!);
    ws.on('message', (data) => ws.send(JSON.stringify({ event: 'other', data: String(data) })));
  };
}

/** Attaches `new WebSocketServer({ server, … })`, which adds its listener to the HTTP server. */
export function attachOtherServer(http: Server, options: ServerOptions): OtherServer {
  const accepted: string[] = [];
  const upgrades: string[] = [];
  class ListeningServer extends WebSocketServer {
    override handleUpgrade(...args: Parameters<WebSocketServer['handleUpgrade']>): void {
      upgrades.push(args[0].url!);
      super.handleUpgrade(...args);
    }
  }
  new ListeningServer({ ...options, server: http }).on('connection', answerAll(accepted));
  return { upgrades, accepted };
}

/** Adds a server with `noServer` and a listener for the upgrades of one path. `other` handles the rest. */
export function acceptUpgrades(
  http: Server,
  path: string,
  other: (socket: Duplex, request: IncomingMessage) => void = () => undefined,
): OtherServer {
  const accepted: string[] = [];
  const upgrades: string[] = [];
  const acceptor = new WebSocketServer({ noServer: true }).on('connection', answerAll(accepted));
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrades.push(request.url!);
    if (request.url !== path) return other(socket, request);
    acceptor.handleUpgrade(request, socket, head, (ws) => acceptor.emit('connection', ws, request));
  });
  return { upgrades, accepted };
}

/** Expects a round trip with an {@link OtherServer}. */
export async function expectRoundTrip(client: TestClient, text: string): Promise<void> {
  client.send(text);
  expect(await client.next('other')).toEqual({ event: 'other', data: text });
}
