import type { EnvelopeServer, EnvelopeSocket, RemoteSocket } from '../../../lib/index.js';
import { record, unwrap, type Outcome, type SocketView, type Step } from './chain.js';

/** Where a chain begins: at the server of a path, at one of its sockets, or at one as `fetchSockets` finds it. */
export interface Root {
  path: string;
  socket?: string;
  fetched?: string;
}

/** One node of a cluster, wherever it runs. */
export abstract class ClusterNode {
  /** @param name what its gateways call it */
  constructor(
    readonly name: string,
    private readonly port: number,
  ) {}

  url(path: string): string {
    return `ws://127.0.0.1:${this.port}${path}`;
  }

  /** Does something with the server of a path: `node.server((server) => server.to('room').emit('news'))`. */
  server<Result>(chain: (server: EnvelopeServer) => Result, path = '/ws'): Promise<Awaited<Result>> {
    return this.run({ path }, record(chain)) as Promise<Awaited<Result>>;
  }

  /** Does something with one of this node's own sockets. */
  socket<Result>(
    id: string,
    chain: (socket: EnvelopeSocket) => Result,
    path = '/ws',
  ): Promise<Awaited<Result>> {
    return this.run({ path, socket: id }, record(chain)) as Promise<Awaited<Result>>;
  }

  /** Does something with a socket, on whichever node, as `fetchSockets` of this node finds it. */
  fetched<Result>(
    id: string,
    chain: (socket: RemoteSocket) => Result,
    path = '/ws',
  ): Promise<Awaited<Result>> {
    return this.run({ path, fetched: id }, record(chain)) as Promise<Awaited<Result>>;
  }

  /** The sockets that a target of this node has. */
  fetch(
    target: (server: EnvelopeServer) => { fetchSockets(): unknown } = (server) => server,
    path = '/ws',
  ): Promise<SocketView[]> {
    return this.server((server) => target(server).fetchSockets() as Promise<SocketView[]>, path);
  }

  private async run(root: Root, steps: Step[]): Promise<unknown> {
    return unwrap(await this.perform(root, steps));
  }

  protected abstract perform(root: Root, steps: Step[]): Promise<Outcome>;
  /** Resolves when the broker has taken the subscriptions that this node has asked for. */
  abstract settled(): Promise<void>;
  /** Closes the application, not the clients of the broker that it was given. */
  abstract close(): Promise<void>;
}

/** Where a chain begins, in the node's own process. */
export async function rootOf(server: EnvelopeServer, { path, socket, fetched }: Root): Promise<unknown> {
  const namespace = server.of(path);
  if (socket !== undefined) return namespace.sockets.get(socket);
  if (fetched === undefined) return namespace;
  const sockets = await namespace.fetchSockets();
  return sockets.find(({ id }) => id === fetched);
}
