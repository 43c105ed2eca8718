import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisServer } from '../support/brokers/redis.js';
import { Child } from '../support/child.js';
import { FaultyNetwork } from '../support/faulty-network.js';
import { ClientNetwork } from './client-network.js';
import type { Line } from './envelope-node.js';
import type { Handled, Ledger, Said, SubjectNodes } from './subject.js';

/** A port without a listener: that of a node which is dead. */
const NOWHERE = 9;

/** The process of one node, and its network to the broker. */
export class NodeProcess {
  port = NOWHERE;
  isDead = false;

  constructor(
    readonly name: string,
    readonly child: Child,
    readonly network: FaultyNetwork,
  ) {}

  /** Starts its server. */
  async boot(): Promise<void> {
    try {
      this.port = await this.child.ask<number>('boot');
    } catch (error) {
      if (!this.isDead) throw error;
    }
    if (this.isDead) this.port = NOWHERE;
  }

  async kill(): Promise<void> {
    if (this.isDead) return;
    this.isDead = true;
    this.port = NOWHERE;
    await this.child.kill();
    this.network.close();
  }
}

/** The nodes of a subject, a process each, and their Redis. */
export class NodeProcesses implements SubjectNodes {
  readonly redis = new RedisServer();
  /** The nodes, each in its place. */
  readonly all: NodeProcess[] = [];
  private readonly networks = new Set<ClientNetwork>();
  private readonly folder = mkdtempSync(join(tmpdir(), 'envelope-delivery-'));
  private readonly names: string[] = [];
  /** How often each node was killed. */
  private readonly epochs: number[] = [];
  /** A process that has loaded its modules, so that a node starts quickly. */
  private spare: Promise<NodeProcess> | undefined;

  /**
   * @param program a file in this folder, which takes `name`, `url` and `ledger` as settings and has the commands `boot` and `say`
   * @param more its other settings
   */
  constructor(
    private readonly program: string,
    private readonly more: object,
  ) {}

  /** Starts the broker, and as many nodes as are missing. */
  async begin(count: number): Promise<void> {
    await this.redis.start();
    while (this.all.length < count) {
      const node = await this.take();
      this.all.push(node);
      await node.boot();
    }
  }

  /** Returns a network for a client of a node. It leads to the process in the place of the node. */
  async connect(node: number): Promise<ClientNetwork> {
    const network = await ClientNetwork.to(node, (place) => this.all[place]!.port);
    this.networks.add(network);
    return network;
  }

  /** Closes the networks of all clients. */
  disconnect(): void {
    for (const network of this.networks) network.close();
    this.networks.clear();
  }

  /** Has a node send messages, unless it is dead or is killed meanwhile. */
  async say(node: number, room: string, count: number, bytes: number): Promise<void> {
    const { isDead, port, child } = this.all[node]!;
    if (isDead || port === NOWHERE) return;
    try {
      await child.ask('say', room, count, bytes);
    } catch (error) {
      if (!this.all[node]!.isDead && child === this.all[node]!.child) throw error;
    }
  }

  /** @returns the name of the process */
  async kill(node: number): Promise<string> {
    const killed = this.all[node]!;
    this.epochs[node] = (this.epochs[node] ?? 0) + 1;
    await killed.kill();
    this.lead();
    return killed.name;
  }

  async restart(node: number): Promise<void> {
    const epoch = this.epochs[node];
    const started = await this.take();
    // killed once more meanwhile: another restart follows
    if (epoch !== this.epochs[node]) return started.kill();
    this.all[node] = started;
    await started.boot();
    this.lead();
  }

  /** Leads all clients to the ports of their nodes. */
  private lead(): void {
    for (const network of this.networks) network.follow();
  }

  stall(): void {
    this.redis.stall();
  }

  resume(): void {
    this.redis.resume();
  }

  partition(node: number, how: 'cut' | 'silent'): void {
    const { network } = this.all[node]!;
    if (how === 'silent') return network.stall();
    network.isRefusing = true;
    network.cut();
  }

  heal(node: number): void {
    const { network } = this.all[node]!;
    network.isRefusing = false;
    network.resume();
  }

  /** What all processes, dead ones included, have written about rooms of a run. The names of rooms are `kind:run:room`. */
  written(run: number): Omit<Ledger, 'stored'> {
    const said: Said[] = [];
    const handled: Handled[] = [];
    for (const node of this.names) {
      for (const line of this.linesOf(node)) {
        const [, ofRun, room] = line.room.split(':').map(Number);
        if (ofRun !== run) continue;
        if (line.did === 'said')
          said.push({ room: room!, node, number: line.number, at: line.at, of: line.of });
        else handled.push({ id: line.id, key: line.key, node, at: line.at });
      }
    }
    return { said, handled };
  }

  /** The end of the output of each node that lives, for a failure. */
  get output(): string {
    return this.all.map(({ name, child }) => `--- ${name}\n${child.output.slice(-2_000)}`).join('\n');
  }

  /** Stops all nodes. */
  async renew(): Promise<void> {
    await Promise.all(this.all.splice(0).map((node) => node.kill()));
  }

  async close(): Promise<void> {
    await this.renew();
    // one that did not start is killed after the last test
    const spare = await this.spare?.catch(() => undefined);
    await spare?.kill();
    await this.redis.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async take(): Promise<NodeProcess> {
    const spare = this.spare ?? this.load();
    this.spare = this.load();
    // it is awaited later
    this.spare.catch(() => undefined);
    return spare;
  }

  /** Starts a process, which only loads its modules: its server starts later. */
  private async load(): Promise<NodeProcess> {
    const name = `n${this.names.length}`;
    this.names.push(name);
    const network = await FaultyNetwork.to(this.redis.port);
    const url = `redis://127.0.0.1:${network.port}`;
    const settings = { ...this.more, name, url, ledger: join(this.folder, name) };
    try {
      const child = await Child.start(`../../delivery/${this.program}`, { settings, isShared: true });
      return new NodeProcess(name, child, network);
    } catch (error) {
      // Jest would report the open server, and not why the process did not start
      network.close();
      throw error;
    }
  }

  private linesOf(name: string): Line[] {
    const file = join(this.folder, name);
    appendFileSync(file, '');
    // a process that is killed may have begun a line
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Line);
  }
}
