import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import type { TestClient } from './client.js';

/** Another WebSocket server of the same process, which speaks a protocol of its own. */
export interface OtherServer {
  /** What its own listener for upgrades upgrades of. */
  readonly upgrades: string[];
  /** How many upgrades it accepted. */
  readonly accepted: string[];
}

function answerAll(accepted: string[]): (ws: WebSocket, request: IncomingMessage) => void {
  return (ws, request) => {
    accepted.push(request.url!);
    ws.on('message', (data) => ws.send(JSON.stringify({ event: 'neighbour', data: String(data) })));
  };
}

/** `new WebSocketServer({ server, … })`: adds a listener of its own. */
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

/** `noServer`, and a listener that takes the upgrades of one path; `other` is what it does with the rest. */
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

/** A round trip with a {@link OtherServer}. */
export async function expectRoundTrip(client: TestClient, text: string): Promise<void> {
  client.send(text);
  expect(await client.next('neighbour')).toEqual({ event: 'neighbour', data: text });
}
