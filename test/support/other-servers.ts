import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import type { TestClient } from './client.js';

/** Another WebSocket server of the same process, which speaks a protocol of its own. */
export interface Neighbour {
  /** What its own listener for upgrades heard of. */
  readonly heard: string[];
  /** How many upgrades it accepted. */
  readonly accepted: string[];
}

function greet(accepted: string[]): (ws: WebSocket, request: IncomingMessage) => void {
  return (ws, request) => {
    accepted.push(request.url!);
    ws.on('message', (data) => ws.send(JSON.stringify({ event: 'neighbour', data: String(data) })));
  };
}

/** `new WebSocketServer({ server, … })`: adds a listener of its own. */
export function attachServer(http: Server, options: ServerOptions): Neighbour {
  const accepted: string[] = [];
  const heard: string[] = [];
  class ListeningServer extends WebSocketServer {
    override handleUpgrade(...args: Parameters<WebSocketServer['handleUpgrade']>): void {
      heard.push(args[0].url!);
      super.handleUpgrade(...args);
    }
  }
  new ListeningServer({ ...options, server: http }).on('connection', greet(accepted));
  return { heard, accepted };
}

/** `noServer`, and a listener that takes the upgrades of one path; `other` is what it does with the rest. */
export function listenFor(
  http: Server,
  path: string,
  other: (socket: Duplex, request: IncomingMessage) => void = () => undefined,
): Neighbour {
  const accepted: string[] = [];
  const heard: string[] = [];
  const acceptor = new WebSocketServer({ noServer: true }).on('connection', greet(accepted));
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    heard.push(request.url!);
    if (request.url !== path) return other(socket, request);
    acceptor.handleUpgrade(request, socket, head, (ws) => acceptor.emit('connection', ws, request));
  });
  return { heard, accepted };
}

/** A round trip with a {@link Neighbour}. */
export async function chat(client: TestClient, text: string): Promise<void> {
  client.send(text);
  expect(await client.next('neighbour')).toEqual({ event: 'neighbour', data: text });
}
