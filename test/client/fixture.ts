import { connect, type ClientOptions, type ClientSocket, type EventsMap } from '../../lib/client/node.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import { FaultyNetwork } from '../support/faulty-network.js';
import { GuardedGateway, TestGateway, type FromClient, type FromServer } from './fixture-gateway.js';
import { LONGEST_WAIT } from '../support/longest-wait.js';

const sockets = new Set<{ disconnect(): unknown }>();
const networks = new Set<FaultyNetwork>();

afterEach(() => {
  for (const socket of sockets) socket.disconnect();
  sockets.clear();
  for (const network of networks) network.close();
  networks.clear();
});

/** Short reconnection delays for tests. */
export const QUICK: ClientOptions = { reconnectionDelay: 20, reconnectionDelayMax: 100 };

/** Creates a client on `ws` with short reconnection delays. It is disconnected after the test. */
export function client<Listen extends EventsMap = FromServer, Emit extends EventsMap = FromClient>(
  url: string,
  options: ClientOptions = {},
): ClientSocket<Listen, Emit> {
  const socket = connect<Listen, Emit>(url, { ...QUICK, ...options });
  sockets.add(socket);
  return socket;
}

export async function startServer(
  options: AppOptions = {},
): Promise<{ app: TestApp; gateway: TestGateway; url: string; guarded: string }> {
  const app = await startApp({ providers: [TestGateway, GuardedGateway] }, options);
  return { app, gateway: app.nest.get(TestGateway), url: app.url('/talk'), guarded: app.url('/guarded') };
}

/** Puts a network that can fail in front of the application: `url` and `guarded` of the result go through it. */
export async function behindFaultyNetwork<Started extends { app: TestApp; url: string; guarded: string }>(
  started: Started,
): Promise<Started & { network: FaultyNetwork }> {
  const { app } = started;
  const network = await faultyNetworkTo(app.port);
  return {
    ...started,
    network,
    url: app.url('/talk', network.port),
    guarded: app.url('/guarded', network.port),
  };
}

/** Creates a network that can fail, in front of a local port. It is closed after the test. */
export async function faultyNetworkTo(port: number): Promise<FaultyNetwork> {
  const network = await FaultyNetwork.to(port);
  networks.add(network);
  return network;
}

/** Returns the arguments of the next event of that name. */
export function next<Value = unknown>(
  socket: { once(event: never, listener: never): unknown },
  event: string,
): Promise<Value[]> {
  const trace = new Error(`"${event}" did not come within ${LONGEST_WAIT} ms`);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(trace), LONGEST_WAIT);
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
