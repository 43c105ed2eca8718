import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { RedisServer } from '../../support/brokers/redis.js';
import { Child } from '../../support/child.js';
import type { Random } from '../../support/random.js';
import type { NodeFigures, NodeSettings } from './figures.js';

interface SoakNode {
  readonly child: Child;
  readonly port: number;
  /** Whether this test ends it. */
  isEnding: boolean;
}

/**
 * A Redis and some nodes behind a load balancer. The first node lives until the end, so that what it keeps can be compared; the
 * others come and go. Make it in a `describe`, because the broker adds a hook.
 */
export class SoakCluster {
  private readonly redis = new RedisServer(['--appendonly', 'yes']);
  private readonly nodes: SoakNode[] = [];
  /** What nodes wrote that no node may write, and nodes that ended by themselves. */
  readonly complaints: string[] = [];
  private balancer: Server | undefined;
  private readonly sockets = new Set<Socket>();

  constructor(private readonly random: Random) {}

  /** @param count the number of nodes, 2 or more */
  async start(count: number): Promise<void> {
    await this.redis.start();
    this.nodes.push(...(await Promise.all(Array.from({ length: count }, () => this.startNode()))));
    this.balancer = createServer((client) => this.forward(client));
    await new Promise<void>((resolve) => this.balancer!.listen(0, '127.0.0.1', resolve));
  }

  /** The port of the load balancer. */
  get port(): number {
    return (this.balancer!.address() as AddressInfo).port;
  }

  /** The port of the first node. */
  get directPort(): number {
    return this.nodes[0]!.port;
  }

  /** What the first node uses. */
  figures(): Promise<NodeFigures> {
    return this.nodes[0]!.child.ask('figures');
  }

  /** Ends a node, as a crash or as a deploy does, and starts another one. */
  async replaceNode(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const place = 1 + this.random.below(this.nodes.length - 1);
    const node = this.nodes[place]!;
    node.isEnding = true;
    this.nodes.splice(place, 1);
    node.child.signal(signal);
    await node.child.exited;
    this.nodes.push(await this.startNode());
  }

  async restartBroker(): Promise<void> {
    await this.redis.restart();
  }

  /** Suspends the broker for this number of milliseconds. */
  async stallBroker(milliseconds: number): Promise<void> {
    this.redis.stall();
    await new Promise((resolve) => void setTimeout(resolve, milliseconds));
    this.redis.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.balancer?.close(resolve));
    for (const node of this.nodes) {
      node.isEnding = true;
      this.readOutput(node.child);
      await node.child.kill();
    }
  }

  private async startNode(): Promise<SoakNode> {
    const settings = { url: this.redis.url } satisfies NodeSettings;
    const flags = ['--expose-gc'];
    const child = await Child.start('../../soak/cluster/node', { settings, flags, isShared: true });
    const node: SoakNode = { child, port: await child.ask('port'), isEnding: false };
    void child.exited.then((exit) => {
      this.readOutput(child);
      if (!node.isEnding)
        this.complaints.push(`a node ended: ${JSON.stringify(exit)} ${child.output.slice(-2_000)}`);
    });
    return node;
  }

  private readOutput({ output }: Child): void {
    const errors = output.split('\n').filter((line) => / (ERROR|FATAL) /.test(line) && !EXPECTED.test(line));
    this.complaints.push(...errors.slice(0, 5));
  }

  private forward(client: Socket): void {
    const node = connect(this.random.pick(this.nodes).port, '127.0.0.1');
    for (const [socket, other] of [
      [client, node],
      [node, client],
    ] as const) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}

/**
 * What nodes log while their broker is away, when they are told to end, or because hostile clients make `handleConnection` fail.
 */
const EXPECTED =
  /a client was disconnected|handleConnection|broker|cluster|Redis|Connection is closed|could not be/i;
