import type { EnvelopeServer, EnvelopeSocket, RemoteSocket } from '../../../lib/index.js';
import { record, unwrap, type Outcome, type SocketView, type Step } from './chain.js';

/** The object that a chain begins with: the server of a path, one of its sockets, or a socket from `fetchSockets`. */
export interface Root {
  path: string;
  socket?: string;
  fetched?: string;
}

/** One node of a cluster, in this or another process. */
export abstract class ClusterNode {
  /** @param name the name that its gateways report */
  constructor(
    readonly name: string,
    private readonly port: number,
  ) {}

  url(path: string): string {
    return `ws://127.0.0.1:${this.port}${path}`;
  }

  /** Runs a chain on the server of a path: `node.server((server) => server.to('room').emit('news'))`. */
  server<Result>(chain: (server: EnvelopeServer) => Result, path = '/ws'): Promise<Awaited<Result>> {
    return this.run({ path }, record(chain)) as Promise<Awaited<Result>>;
  }

  /** Runs a chain on one of this node's sockets. */
  socket<Result>(
    id: string,
    chain: (socket: EnvelopeSocket) => Result,
    path = '/ws',
  ): Promise<Awaited<Result>> {
    return this.run({ path, socket: id }, record(chain)) as Promise<Awaited<Result>>;
  }

  /** Runs a chain on a socket of any node, as `fetchSockets` of this node returns it. */
  fetched<Result>(
    id: string,
    chain: (socket: RemoteSocket) => Result,
    path = '/ws',
  ): Promise<Awaited<Result>> {
    return this.run({ path, fetched: id }, record(chain)) as Promise<Awaited<Result>>;
  }

  /** Returns the sockets of a target of this node. */
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
  /** Resolves when the broker has confirmed the subscriptions of this node. */
  abstract settled(): Promise<void>;
  /** Closes the application, but not its broker clients. */
  abstract close(): Promise<void>;
}

/** Resolves a root to its object, in the node's process. */
export async function rootOf(server: EnvelopeServer, { path, socket, fetched }: Root): Promise<unknown> {
  const namespace = server.of(path);
  if (socket !== undefined) return namespace.sockets.get(socket);
  if (fetched === undefined) return namespace;
  const sockets = await namespace.fetchSockets();
  return sockets.find(({ id }) => id === fetched);
}
