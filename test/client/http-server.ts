import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { http, type HttpOptions } from '../../lib/client/http.js';
import type { ClientOptions, ClientSocket, DefaultEventsMap } from '../../lib/client/node.js';
import { until } from '../support/wait.js';
import { client, next } from './fixture.js';

export type AnyClient = ClientSocket<DefaultEventsMap, DefaultEventsMap>;
type Operation = 'open' | 'on' | 'send' | 'close';

/** One request of a client. */
export interface Exchange {
  readonly operation: Operation;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly response: ServerResponse;
}

export const SESSION = {
  id: 'one',
  recovered: false,
  session: 's',
  features: [],
  pingInterval: 0,
  pingTimeout: 60_000,
};
const KEY = 'the key';

/** An HTTP server that does what a test says. Without a word of the test it does what PROTOCOL.md says. */
export class ScriptedServer {
  readonly requests: Exchange[] = [];
  /** What the test does in place of the usual, once for each of the next requests. */
  readonly script: Record<Operation, ((exchange: Exchange) => void)[]> = {
    open: [],
    on: [],
    send: [],
    close: [],
  };
  /** The messages of all POSTs that were taken. */
  readonly messages: unknown[] = [];
  session: object = SESSION;
  /** The response that is open. */
  stream: ServerResponse | undefined;
  /** The connections of WebSockets. */
  readonly upgraded = new Set<Duplex>();
  private sent = 0;
  readonly http = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const operation = new URL(request.url!, 'http://localhost').searchParams.get('envelope') as Operation;
      if (operation === null) return void response.writeHead(426).end();
      const exchange = { operation, url: request.url!, headers: request.headers, body, response };
      this.requests.push(exchange);
      (this.script[operation].shift() ?? this.usual)(exchange);
    });
  });

  get port(): number {
    return (this.http.address() as AddressInfo).port;
  }

  of(operation: Operation): Exchange[] {
    return this.requests.filter((request) => request.operation === operation);
  }

  /** Does what PROTOCOL.md says. */
  readonly usual = ({ operation, response, headers, body }: Exchange): void => {
    if (operation === 'open') {
      this.sent = 0;
      this.begin(response);
      this.say({ event: '$session', data: this.session, offset: '1' });
    } else if (operation === 'on') this.begin(response, Number(headers['envelope-have']));
    else {
      if (operation === 'send') this.take(body);
      response.writeHead(204).end();
    }
  };

  begin(response: ServerResponse, seq = 0): void {
    this.stream = response;
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    this.record(['line', KEY, seq]);
  }

  take(body: string): void {
    for (const line of body.split('\n')) if (line !== '') this.messages.push(JSON.parse(line));
  }

  record(value: unknown): void {
    this.stream!.write(`data: ${JSON.stringify(value)}\n\n`);
  }

  /** Sends a message. */
  say(message: object): void {
    this.sent++;
    this.record(message);
  }
}

const servers: ScriptedServer[] = [];
afterEach(() => {
  for (const { http: server, upgraded } of servers.splice(0)) {
    for (const socket of upgraded) socket.destroy();
    server.closeAllConnections();
    server.close();
  }
});

export async function startServer(): Promise<ScriptedServer> {
  const server = new ScriptedServer();
  servers.push(server);
  server.http.listen(0, '127.0.0.1');
  await once(server.http, 'listening');
  return server;
}

/** Creates a client that uses HTTP alone. */
export function httpClient(port: number, options: ClientOptions = {}, given: HttpOptions = {}): AnyClient {
  const url = `ws://127.0.0.1:${port}/chat?room=a%20b`;
  return client<DefaultEventsMap, DefaultEventsMap>(url, { transports: [http(given)], ...options });
}

/** Starts a server and a client that is connected to it. */
export async function connectToServer(
  session: object = {},
  options: ClientOptions = {},
): Promise<{ server: ScriptedServer; socket: AnyClient; events: unknown[][] }> {
  const server = await startServer();
  server.session = { ...SESSION, ...session };
  const socket = httpClient(server.port, options);
  const events: unknown[][] = [];
  socket.onAny((event, data) => events.push([event, data]));
  for (const event of ['disconnect', 'connect_error'] as const)
    socket.on(event, (...args: unknown[]) => events.push([event, ...args]));
  await next(socket, 'connect');
  return { server, socket, events };
}

/** Resolves when the server has got that many requests of a kind. */
export function requests(server: ScriptedServer, operation: Operation, count: number): Promise<void> {
  return until(`${count} times ${operation}`, () => server.of(operation).length >= count);
}
