import { connect, type ClientOptions, type ClientSocket, type EventsMap } from '../../lib/client/node.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import { FaultyNetwork } from '../support/faulty-network.js';
import { Guarded, Talk, type FromClient, type FromServer } from './fixture-gateway.js';

const PATIENCE = 5_000;
const sockets = new Set<{ disconnect(): unknown }>();
const lines = new Set<FaultyNetwork>();

afterEach(() => {
  for (const socket of sockets) socket.disconnect();
  sockets.clear();
  for (const line of lines) line.close();
  lines.clear();
});

/** Pauses that suit a test. */
export const QUICK: ClientOptions = { reconnectionDelay: 20, reconnectionDelayMax: 100 };

/** A client of ours on `ws`, with short pauses; it is closed after the test. */
export function client<Listen extends EventsMap = FromServer, Emit extends EventsMap = FromClient>(
  url: string,
  options: ClientOptions = {},
): ClientSocket<Listen, Emit> {
  const socket = connect<Listen, Emit>(url, { ...QUICK, ...options });
  sockets.add(socket);
  return socket;
}

export async function startTalk(
  options: AppOptions = {},
): Promise<{ app: TestApp; talk: Talk; url: string; guarded: string }> {
  const app = await startApp({ providers: [Talk, Guarded] }, options);
  return { app, talk: app.nest.get(Talk), url: app.url('/talk'), guarded: app.url('/guarded') };
}

/** The same application, but whoever uses `url` or `guarded` goes through a network that can fail. */
export async function behind<Started extends { app: TestApp; url: string; guarded: string }>(
  started: Started,
): Promise<Started & { line: FaultyNetwork }> {
  const { app } = started;
  const line = await lineTo(app.port);
  return { ...started, line, url: app.url('/talk', line.port), guarded: app.url('/guarded', line.port) };
}

/** A network that can fail; it is closed after the test. */
export async function lineTo(port: number): Promise<FaultyNetwork> {
  const line = await FaultyNetwork.to(port);
  lines.add(line);
  return line;
}

/** What a client's next event of that name brings. */
export function next<Value = unknown>(
  socket: { once(event: never, listener: never): unknown },
  event: string,
): Promise<Value[]> {
  const trace = new Error(`"${event}" did not come within ${PATIENCE} ms`);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(trace), PATIENCE);
    const listener = (...args: Value[]): void => {
      clearTimeout(timer);
      resolve(args);
    };
    socket.once(event as never, listener as never);
  });
}

export async function connected(
  url: string,
  options?: ClientOptions,
): Promise<ClientSocket<FromServer, FromClient>> {
  const socket = client(url, options);
  await next(socket, 'connect');
  return socket;
}
