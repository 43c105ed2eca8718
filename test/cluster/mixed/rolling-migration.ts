import { io, type Socket } from 'socket.io-client';
import { FaultyNetwork } from '../../support/faulty-network.js';
import type { Broker } from '../../support/brokers/broker.js';
import type { Backend, Link } from '../../support/cluster/backend.js';
import { startNode, type MixedNode, type NodeName } from './mixed-cluster.js';
import { until } from '../../support/wait.js';

const PATH = '/chat';
const ROOM = 'room';
const CLIENTS_PER_PLACE = 4;
/** Milliseconds between two messages while a node is replaced. */
const INTERVAL = 5;

/** A client of an application, as teams have it: it connects again by itself, and joins its room each time. */
class Traveller {
  readonly numbers: number[] = [];
  readonly reasons: string[] = [];
  readonly ids: string[] = [];
  isJoined = false;
  private readonly socket: Socket;

  constructor(port: number) {
    this.socket = io(`http://127.0.0.1:${port}${PATH}`, {
      forceNew: true,
      transports: ['websocket'],
      reconnectionDelay: 10,
      reconnectionDelayMax: 100,
    });
    this.socket.on('connect', () => {
      this.ids.push(this.socket.id!);
      this.socket.emit('join', [ROOM], () => (this.isJoined = true));
    });
    this.socket.on('disconnect', (reason) => {
      this.isJoined = false;
      this.reasons.push(reason);
    });
    this.socket.on('n', (n: number) => this.numbers.push(n));
    this.socket.on('who', (answer: (id: string) => void) => answer(this.socket.id!));
  }

  close(): void {
    this.socket.disconnect();
  }
}

/** An address that a load balancer always directs to one node. */
interface Place {
  readonly network: FaultyNetwork;
  readonly travellers: Traveller[];
  node: MixedNode;
  link: Link;
}

/** Two addresses, the nodes behind them, and clients that know only the addresses. */
export class RollingMigration {
  readonly places: Place[] = [];
  private sent = 0;

  private constructor(
    private readonly backend: Backend,
    private readonly broker: Broker,
  ) {}

  static async start(backend: Backend, broker: Broker): Promise<RollingMigration> {
    const migration = new RollingMigration(backend, broker);
    for (let i = 0; i < 2; i++) {
      const { node, link } = await migration.startNode('theirs');
      const network = await FaultyNetwork.to(node.port);
      const travellers = Array.from({ length: CLIENTS_PER_PLACE }, () => new Traveller(network.port));
      migration.places.push({ network, travellers, node, link });
    }
    await migration.allJoined();
    return migration;
  }

  private async startNode(name: NodeName): Promise<Pick<Place, 'node' | 'link'>> {
    const link = await this.backend.link!(this.broker.url);
    const node = await startNode(name, link, 'socket.io');
    await link.settled();
    return { node, link };
  }

  private get travellers(): Traveller[] {
    return this.places.flatMap(({ travellers }) => travellers);
  }

  /** Resolves when all clients are connected and in their room, and all nodes know each other. */
  async allJoined(): Promise<void> {
    await until('all clients are in their room', () => this.travellers.every(({ isJoined }) => isJoined));
    await Promise.all(this.places.map(({ link }) => link.settled()));
    for (const { node } of this.places)
      await until('the nodes know each other', async () => {
        const sockets = await node.server(PATH).in(ROOM).fetchSockets();
        return sockets.length === this.travellers.length;
      });
  }

  private send(place: Place): void {
    place.node.server(PATH).to(ROOM).emit('n', ++this.sent);
  }

  /**
   * Replaces the node at a place, while the other node sends to the room of all clients.
   *
   * @returns the first and the last message, and those that all clients were in their room for
   */
  async replace(
    place: Place,
    name: NodeName,
  ): Promise<{ first: number; joinedBefore: number; last: number }> {
    const other = this.places.find((candidate) => candidate !== place)!;
    const first = this.sent + 1;
    const timer = setInterval(() => this.send(other), INTERVAL);
    const { node, link } = place;
    Object.assign(place, await this.startNode(name));
    // as a load balancer does it: new connections go to the new node, then the old one is told to stop
    place.network.target = place.node.port;
    await node.close();
    await link.close();
    await this.allJoined();
    const joinedBefore = this.sent + 1;
    for (const sender of this.places) for (let i = 0; i < 10; i++) this.send(sender);
    clearInterval(timer);
    const last = this.sent;
    // messages of two nodes have no common order
    await until('the last message of each node', () =>
      this.travellers.every(({ numbers }) => numbers.includes(last) && numbers.includes(last - 10)),
    );
    return { first, joinedBefore, last };
  }

  /** Returns the ids that all clients answer to a request of a node. */
  async ask({ node }: Place): Promise<string[]> {
    return (await node.server(PATH).to(ROOM).timeout(2_000).emitWithAck('who')) as string[];
  }

  async close(): Promise<void> {
    for (const traveller of this.travellers) traveller.close();
    for (const { network, node, link } of this.places) {
      network.close();
      await node.close();
      await link.close();
    }
  }
}
