import type { Broker } from '../brokers/broker.js';
import { Child } from '../child.js';
import { TestClient, type ConnectOptions, type Received } from '../client.js';
import { until } from '../wait.js';
import type { Backend, Link } from './backend.js';
import { LocalNode } from './local-node.js';
import type { ClusterNode } from './node.js';
import { WorkerNode } from './worker-node.js';

/** The paths that each node has from the start. */
const PATHS = ['/ws', '/ws/other'];
const NAMES = ['one', 'two', 'three'] as const;

/** A client, its socket's id, and the node that it is connected to. */
export interface Member {
  client: TestClient;
  id: string;
  node: ClusterNode;
}

export interface JoinOptions extends ConnectOptions {
  path?: string;
  query?: string;
}

/** Three nodes, their broker, and the clients of the current test. */
export class Cluster {
  nodes: ClusterNode[] = [];
  readonly broker: Broker | undefined;
  links: Link[] = [];
  /** The parent process, where the nodes are workers. */
  primary: Child | undefined;
  private readonly clients: TestClient[] = [];
  private marks = 0;

  constructor(readonly backend: Backend) {
    beforeAll(() => this.start());
    afterEach(async () => {
      await this.drain();
      await this.leave();
    });
    // before the hook of the broker
    afterAll(() => this.close());
    this.broker = backend.broker?.();
  }

  /** Starts the nodes. Resolves when each reaches all others on the common paths. */
  private async start(): Promise<void> {
    const { backend } = this;
    if (backend.link === undefined) {
      this.primary = await Child.start('cluster-node', { isShared: true });
      const { primary } = this;
      this.nodes = await Promise.all(NAMES.map((name) => WorkerNode.start(name, primary)));
    } else {
      await this.broker?.start();
      const { url } = this.broker ?? { url: '' };
      const names = backend.isSingleNode === true ? NAMES.slice(0, 1) : NAMES;
      this.links = await Promise.all(names.map(() => backend.link!(url)));
      this.nodes = await Promise.all(names.map((name, index) => LocalNode.start(name, this.links[index]!)));
    }
    for (const path of PATHS) {
      await this.waitForNodes(
        await Promise.all(this.nodes.map((node) => this.join(node, [], { path }))),
        path,
      );
    }
    await this.leave();
  }

  private async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
    await Promise.all(this.links.map((link) => link.close()));
    await this.primary?.kill();
  }

  /** Three nodes. With a single node, the same one three times. */
  get three(): [ClusterNode, ClusterNode, ClusterNode] {
    const [one, two = one, three = one] = this.nodes;
    return [one!, two!, three!];
  }

  /** Connects a client to a node and joins rooms. Resolves when other nodes reach it there. */
  async join(node: ClusterNode, rooms: readonly (string | number)[] = [], options: JoinOptions = {}) {
    const { path = '/ws', query = '', ...rest } = options;
    const client = new TestClient(node.url(path + query), rest);
    this.clients.push(client);
    await client.opened();
    const { data } = await client.ask('whoami');
    if (rooms.length > 0) await client.ask('join', rooms);
    await node.settled();
    const member: Member = { client, id: (data as { id: string }).id, node };
    client.frames.length = 0;
    return member;
  }

  /** Connects one client to each of the three nodes. */
  async joinEach(rooms: readonly (string | number)[] = [], options: JoinOptions = {}) {
    const members = await Promise.all(this.three.map((node) => this.join(node, rooms, options)));
    return members as [Member, Member, Member];
  }

  /** Resolves when each node has received all messages of the others, so that none reaches the next test. */
  private async drain(): Promise<void> {
    if (this.nodes.length === 1) return;
    const drainPath = async (path: string): Promise<void> => {
      const watchers = await Promise.all(this.nodes.map((node) => this.join(node, [], { path })));
      await Promise.all(
        this.nodes.flatMap((node) => [
          this.got(node, watchers, path),
          this.notesArrived(node, watchers, path),
        ]),
      );
    };
    await Promise.all(PATHS.map(drainPath));
  }

  /** Does the same for messages between servers: some adapters send them another way. */
  private async notesArrived(from: ClusterNode, members: readonly Member[], path: string): Promise<void> {
    const mark = `mark ${++this.marks}`;
    await from.server((server) => server.serverSideEmit('note', mark), path);
    const others = members.filter(({ node }) => node !== from);
    const isMark = ({ event, data }: Received): boolean => event === 'noted' && data.data === mark;
    await Promise.all(
      others.map(({ client, node }) =>
        client.until(`${mark} at ${node.name}`, () => client.frames.some(isMark)),
      ),
    );
  }

  /** Terminates the clients of this test. Resolves when no node has any of them. */
  async leave(): Promise<void> {
    const clients = this.clients.splice(0);
    for (const client of clients) client.ws.terminate();
    await Promise.all(clients.map((client) => client.ended()));
    const counts = (path: string): Promise<number[]> =>
      Promise.all(this.nodes.map((node) => node.server((server) => server.engine.clientsCount, path)));
    for (const path of PATHS)
      await until('all clients to disconnect', async () =>
        (await counts(path)).every((count) => count === 0),
      );
  }

  /**
   * Returns what these members received, once all messages that a node has sent so far have arrived: a marker to all
   * clients follows them on the same way.
   */
  async got(from: Pick<ClusterNode, 'server'>, members: readonly Member[], path = '/ws') {
    const mark = ++this.marks;
    await from.server((server) => server.emit('marker', mark), path);
    return Promise.all(members.map((member) => framesUpTo(mark, member)));
  }

  /**
   * Stops a node from answering that the first one counts. Returns the members on other nodes, and a function that
   * restores it. With workers, it suspends the third node; otherwise it adds a silent one.
   */
  async stopAnswering(members: readonly Member[], path = '/ws') {
    const { backend, nodes } = this;
    const three = nodes[2];
    if (three instanceof WorkerNode) {
      return { answering: members.filter(({ node }) => node !== three), restore: await three.stall() };
    }
    const restore = await backend.addSilentNode!(this.broker!.url, path);
    const count = (): Promise<number> => nodes[0]!.server((server) => server.adapter.serverCount(), path);
    await until('the silent node is counted', async () => (await count()) === nodes.length + 1);
    return { answering: [...members], restore };
  }

  /** Resolves when each of these nodes counts all of them, and reaches the members on all others. */
  async waitForNodes(members: readonly Member[], path = '/ws'): Promise<void> {
    const nodes = [...new Set(members.map(({ node }) => node))];
    const counted = async (node: ClusterNode): Promise<boolean> =>
      (await node.server((server) => server.adapter.serverCount(), path)) === nodes.length;
    const greeted = ({ client }: Member): boolean =>
      nodes.every(({ name }) => client.frames.some(({ event, data }) => event === 'hello' && data === name));
    await until('all nodes know each other', async () => {
      for (const node of nodes) await node.server((server) => server.emit('hello', node.name), path);
      return (await Promise.all(nodes.map(counted))).every(Boolean) && members.every(greeted);
    });
    // the last greetings may still be in flight
    await Promise.all(nodes.map((node) => this.got(node, members, path)));
    for (const { client } of members) client.frames.length = 0;
  }
}

async function framesUpTo(mark: number, { client, node }: Member): Promise<Received[]> {
  const isMark = ({ event, data }: Received): boolean => event === 'marker' && data === mark;
  await client.until(`marker ${mark} at ${node.name}`, () => client.frames.some(isMark));
  const frames = client.frames.slice(0, client.frames.findIndex(isMark));
  return frames.filter(({ event, ack }) => event !== 'marker' && ack === undefined);
}
