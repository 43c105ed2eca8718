import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisServer } from '../support/brokers/redis.js';
import { Child } from '../support/child.js';
import { FaultyNetwork } from '../support/faulty-network.js';
import { EnvelopeClient, hasHistory, roomName } from './envelope-client.js';
import type { Line, NodeSettings } from './envelope-node.js';
import type { Handled, Ledger, Said, Subject } from './subject.js';

/** How nodes reach each other. */
export type Cluster = Pick<NodeSettings, 'adapter' | 'library'>;

/** Milliseconds within which the nodes must know each other when the faults have ended. */
const RECOVERY = 20_000;
/** How long a claim of `@Once()` must be unchanged to count as one of a dead node, in milliseconds. Nodes that live try again each second. */
const ORPHANED = 4_000;
/** A port without a listener: that of a node which is dead. */
const NOWHERE = 9;

/** The process of one node, and its network to the broker. */
class NodeProcess {
  port = NOWHERE;
  isDead = false;
  private constructor(
    readonly name: string,
    readonly child: Child,
    readonly network: FaultyNetwork,
  ) {}

  /** Starts a process, which only loads its modules: its application starts later. */
  static async load(name: string, broker: number, ledger: string, cluster: Cluster): Promise<NodeProcess> {
    const network = await FaultyNetwork.to(broker);
    const settings = {
      name,
      url: `redis://127.0.0.1:${network.port}`,
      ledger,
      ...cluster,
    } satisfies NodeSettings;
    const child = await Child.start('../../delivery/envelope-node', { settings, isShared: true });
    return new NodeProcess(name, child, network);
  }

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

/** This package: rooms with and without a history, `reliable` and `@Once()`, presence, and with Redis streams recovery. */
export class EnvelopeSubject implements Subject {
  readonly name: string;
  readonly isLossyBetweenNodes: boolean;
  private readonly redis = new RedisServer();
  private readonly folder = mkdtempSync(join(tmpdir(), 'envelope-delivery-'));
  private readonly nodes: NodeProcess[] = [];
  private readonly names: string[] = [];
  /** How often each node was killed. */
  private readonly epochs: number[] = [];
  /** A process that has loaded its modules, so that a node starts quickly. */
  private spare: Promise<NodeProcess> | undefined;
  private clients: EnvelopeClient[] = [];
  private commands: Redis | undefined;
  private readonly claims = new Map<string, { value: string; since: number }>();
  private run = 0;
  private isOver = true;

  constructor(private readonly cluster: Cluster) {
    this.name = `nestjs-envelope, ${cluster.adapter} adapter, ${cluster.library}`;
    this.isLossyBetweenNodes = cluster.adapter === 'classic';
  }

  async begin(nodes: number): Promise<void> {
    await this.redis.start();
    this.commands ??= new Redis(this.redis.url).on('error', () => undefined);
    this.run++;
    this.isOver = false;
    while (this.nodes.length < nodes) {
      const node = await this.takeSpare();
      this.nodes.push(node);
      await node.boot();
    }
    await this.untilConnected();
  }

  private async takeSpare(): Promise<NodeProcess> {
    const spare = this.spare ?? this.load();
    this.spare = this.load();
    // it is awaited later
    this.spare.catch(() => undefined);
    return spare;
  }

  private load(): Promise<NodeProcess> {
    const name = `n${this.names.length}`;
    this.names.push(name);
    return NodeProcess.load(name, this.redis.port, this.fileOf(name), this.cluster);
  }

  private fileOf(name: string): string {
    return join(this.folder, name);
  }

  async connect(client: number, node: number): Promise<EnvelopeClient> {
    const network = await FaultyNetwork.to(this.nodes[node]!.port);
    const connected = new EnvelopeClient(this.run, client, network, (at) => this.nodes[at]!.port, node);
    this.clients.push(connected);
    return connected;
  }

  async say(node: number, room: number, count: number, bytes: number): Promise<void> {
    const { isDead, port, child } = this.nodes[node]!;
    if (isDead || port === NOWHERE) return;
    try {
      await child.ask('say', roomName(this.run, room), count, bytes);
    } catch (error) {
      if (!this.nodes[node]!.isDead && child === this.nodes[node]!.child) throw error;
    }
  }

  async kill(node: number): Promise<string> {
    const killed = this.nodes[node]!;
    this.epochs[node] = (this.epochs[node] ?? 0) + 1;
    await killed.kill();
    this.lead();
    return killed.name;
  }

  async restart(node: number): Promise<void> {
    const epoch = this.epochs[node];
    const started = await this.takeSpare();
    // killed once more meanwhile: another restart follows
    if (epoch !== this.epochs[node]) return started.kill();
    this.nodes[node] = started;
    await started.boot();
    this.lead();
  }

  /** Leads all clients to the ports of their nodes. */
  private lead(): void {
    for (const client of this.clients) client.follow();
  }

  stall(): void {
    this.redis.stall();
  }

  resume(): void {
    this.redis.resume();
  }

  partition(node: number, how: 'cut' | 'silent'): void {
    const { network } = this.nodes[node]!;
    if (how === 'silent') return network.stall();
    network.isRefusing = true;
    network.cut();
  }

  heal(node: number): void {
    const { network } = this.nodes[node]!;
    network.isRefusing = false;
    network.resume();
  }

  async recover(): Promise<void> {
    await this.untilConnected();
    void this.expireClaims();
  }

  /** Resolves when each node counts all of them. */
  private async untilConnected(): Promise<void> {
    const deadline = Date.now() + RECOVERY;
    for (;;) {
      const all = await Promise.all(
        this.nodes.map(({ child }) => child.ask<{ state: string; nodes: number }>('cluster')),
      );
      if (all.every(({ state, nodes }) => state === 'connected' && nodes === all.length)) return;
      if (Date.now() > deadline)
        throw new Error(`the nodes do not know each other: ${JSON.stringify(all)} of ${all.length}`);
      await pause(20);
    }
  }

  /** Lets the claims of dead nodes expire now: otherwise they would after 30 seconds. */
  private async expireClaims(): Promise<void> {
    this.claims.clear();
    while (!this.isOver) {
      const names = await this.commands!.keys('envelope:once:*');
      const values = names.length === 0 ? [] : await this.commands!.mget(names);
      for (const [index, name] of names.entries()) {
        const value = values[index];
        if (value?.includes('"by"') !== true) continue;
        const known = this.claims.get(name);
        if (known?.value !== value) this.claims.set(name, { value, since: Date.now() });
        else if (Date.now() - known.since > ORPHANED) await this.commands!.pexpire(name, 1);
      }
      await pause(500);
    }
  }

  async ledger(): Promise<Ledger> {
    const said: Said[] = [];
    const handled: Handled[] = [];
    const rooms = new Set<number>();
    for (const node of this.names) {
      for (const line of this.linesOf(node)) {
        const [, run, room] = line.room.split(':').map(Number);
        if (run !== this.run) continue;
        rooms.add(room!);
        if (line.did === 'said')
          said.push({ room: room!, node, number: line.number, at: line.at, of: line.of });
        else handled.push({ id: line.id, key: line.key, node, at: line.at });
      }
    }
    const stored: Record<number, ReadonlySet<string>> = {};
    for (const room of rooms) {
      if (!hasHistory(room)) continue;
      const { child } = this.nodes[0]!;
      stored[room] = new Set(await child.ask<string[]>('stored', roomName(this.run, room)));
    }
    return { said, handled, stored };
  }

  private linesOf(name: string): Line[] {
    appendFileSync(this.fileOf(name), '');
    // a process that is killed may have begun a line
    const lines = readFileSync(this.fileOf(name), 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Line);
  }

  async end(): Promise<void> {
    this.isOver = true;
    for (const client of this.clients.splice(0)) client.close();
    const names = await this.commands!.keys('envelope:*');
    if (names.length > 0) await this.commands!.del(names);
  }

  async renew(): Promise<void> {
    await Promise.all(this.nodes.splice(0).map((node) => node.kill()));
  }

  async close(): Promise<void> {
    this.isOver = true;
    for (const client of this.clients.splice(0)) client.close();
    await this.renew();
    await (await this.spare)?.kill();
    await this.commands?.quit();
    await this.redis.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The end of the output of each node that lives, for a failure. */
  get output(): string {
    return this.nodes.map(({ name, child }) => `--- ${name}\n${child.output.slice(-2_000)}`).join('\n');
  }
}
