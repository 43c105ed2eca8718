import type { Namespace, Server } from 'socket.io';
import { startSharedIoApp } from '../../socketio-clients/fixture.js';
import { IoClient } from '../../socketio-clients/io-client.js';
import { startSharedApp } from '../../support/app.js';
import { TestClient } from '../../support/client.js';
import type { Broker } from '../../support/brokers/broker.js';
import type { Backend, Link } from '../../support/cluster/backend.js';
import { until } from '../../support/wait.js';
import { mixedGateways, PATHS } from './gateways.js';
import { BareMember, HELLO, IoMember, MARK, type Event, type Member } from './members.js';

/** A node of Nest with `IoAdapter`, or one with `EnvelopeAdapter`. */
export type NodeName = 'theirs' | 'ours';
/** The clients of our node. */
export type Kind = 'bare' | 'socket.io';

export interface MixedNode {
  readonly name: NodeName;
  readonly port: number;
  /** Closes the application, but not its clients of the broker. */
  close(): Promise<void>;
  /** Returns the server of a path. */
  server(path?: string): Namespace;
  /** The server of the RegExp namespace. */
  readonly rooms: Namespace;
}

/** A node of Nest with `IoAdapter` and one of ours on one broker, and the clients of the current test. */
export class MixedCluster {
  private readonly broker: Broker | undefined;
  private links: Link[] = [];
  private readonly nodes = new Map<NodeName, MixedNode>();
  private readonly clients: { close(): void }[] = [];
  private marks = 0;

  constructor(
    private readonly backend: Backend,
    private readonly kind: Kind,
  ) {
    beforeAll(() => this.start());
    afterEach(() => this.leave());
    afterAll(() => this.close());
    this.broker = backend.broker?.();
  }

  node(name: NodeName): MixedNode {
    return this.nodes.get(name)!;
  }

  private async start(): Promise<void> {
    await this.broker?.start();
    for (const name of ['theirs', 'ours'] as const) {
      const link = await this.backend.link!(this.broker?.url ?? '');
      this.links.push(link);
      this.nodes.set(name, await startNode(name, link, this.kind));
    }
    for (const path of PATHS) await this.know(path);
    await this.leave();
  }

  /** Resolves when the nodes reach each other on a path. */
  async know(path: string): Promise<void> {
    const [theirs, ours] = [await this.join('theirs', [], path), await this.join('ours', [], path)];
    const greet = async (name: NodeName): Promise<boolean> => {
      const server = this.node(name).server(path);
      server.emit(HELLO, name);
      return (await server.adapter.serverCount()) === 2;
    };
    await until(`both nodes are heard on ${path}`, async () => {
      const counted = [await greet('theirs'), await greet('ours')];
      return counted.every(Boolean) && ours.has(HELLO, 'theirs') && theirs.has(HELLO, 'ours');
    });
  }

  private async close(): Promise<void> {
    await Promise.all([...this.nodes.values()].map((node) => node.close()));
    await Promise.all(this.links.map((link) => link.close()));
    await this.broker?.stop();
  }

  /** Connects a client to a node and joins rooms. Resolves when the other node reaches it there. */
  async join(
    name: NodeName,
    rooms: readonly string[] = [],
    path = '/chat',
    kind = name === 'theirs' ? 'socket.io' : this.kind,
  ): Promise<Member> {
    const { port } = this.node(name);
    let member: Member;
    if (kind === 'socket.io') {
      const client = new IoClient(`http://127.0.0.1:${port}${path}`);
      this.clients.push({ close: () => client.destroy() });
      await client.connected();
      const [id] = (await client.ask('join', rooms)) as [string];
      member = new IoMember(id, client);
    } else {
      const client = new TestClient(`ws://127.0.0.1:${port}${path}`);
      this.clients.push({ close: () => client.ws.terminate() });
      await client.opened();
      const { data } = await client.ask('join', rooms);
      member = new BareMember(data as string, client);
    }
    await this.settled();
    return member;
  }

  /** Resolves when the broker has confirmed all subscriptions so far. */
  async settled(): Promise<void> {
    await Promise.all(this.links.map((link) => link.settled()));
  }

  /** Connects one client to each node. */
  async joinBoth(rooms: readonly string[] = [], path?: string): Promise<[theirs: Member, ours: Member]> {
    return [await this.join('theirs', rooms, path), await this.join('ours', rooms, path)];
  }

  /** Connects one client of each kind to each node. */
  async joinAll(rooms: readonly string[] = [], path?: string): Promise<Member[]> {
    const members: Member[] = await this.joinBoth(rooms, path);
    return this.kind === 'bare' ? members : [...members, await this.join('ours', rooms, path, 'bare')];
  }

  /** Whether messages can carry bytes. */
  get carriesBytes(): boolean {
    return this.kind === 'socket.io';
  }

  /**
   * Returns what these members received, once all messages that a node has sent so far have arrived: a mark to all
   * clients follows them on the same way.
   */
  async got(from: NodeName, members: readonly Member[], path = '/chat'): Promise<Event[][]> {
    const mark = ++this.marks;
    this.node(from).server(path).emit(MARK, mark);
    await Promise.all(members.map((member) => member.received(MARK, mark)));
    return members.map((member) => member.events());
  }

  /** Ends the clients of this test. Resolves when no node has any of them. */
  private async leave(): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
    for (const node of this.nodes.values())
      for (const path of PATHS)
        await until('the clients to disconnect', () => node.server(path).sockets.size === 0);
  }
}

/** Starts a node on a broker. The caller closes its application. */
export async function startNode(
  name: NodeName,
  { adapter }: Pick<Link, 'adapter'>,
  kind: Kind,
): Promise<MixedNode> {
  const providers = mixedGateways(name);
  const app =
    name === 'theirs'
      ? await startSharedIoApp('reference', { providers }, { reference: { adapter: adapter as never } })
      : kind === 'bare'
        ? await startSharedApp({ providers }, { adapter: { adapter } })
        : await startSharedIoApp('ours', { providers }, { ours: { adapter } });
  const serverOf = (gateway: number) => app.nest.get<{ server: Namespace }>(providers[gateway]!).server;
  const root = serverOf(0) as unknown as Server;
  return {
    name,
    port: app.port,
    close: () => app.close(),
    server: (path = '/chat') => root.of(path),
    rooms: serverOf(3),
  };
}
