import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { EnvelopeClient, hasHistory, roomName } from './envelope-client.js';
import type { NodeSettings } from './envelope-node.js';
import { NodeProcesses } from './node-processes.js';
import type { Ledger, Subject } from './subject.js';

/** How nodes reach each other. */
export type Cluster = Pick<NodeSettings, 'adapter' | 'library' | 'maxBufferedBytes'>;

/** Milliseconds within which the nodes must know each other when the faults have ended. */
const RECOVERY = 20_000;
/**
 * How long a claim of `@Once()` must be unchanged to count as one of a dead node, in milliseconds. Nodes that live try again each
 * second.
 */
const ORPHANED = 4_000;

/** This package: rooms with and without a history, `reliable` and `@Once()`, presence, and with Redis streams recovery. */
export class EnvelopeSubject implements Subject {
  readonly name: string;
  readonly isLossyBetweenNodes: boolean;
  readonly nodes: NodeProcesses;
  private clients: EnvelopeClient[] = [];
  private commands: Redis | undefined;
  private readonly claims = new Map<string, { value: string; since: number }>();
  private run = 0;
  private isOver = true;

  constructor(cluster: Cluster) {
    this.nodes = new NodeProcesses('envelope-node', cluster);
    this.name = `nestjs-envelope, ${cluster.adapter} adapter, ${cluster.library}`;
    // the client `redis` does not repeat commands that were under way when its connection was lost
    this.isLossyBetweenNodes = cluster.adapter === 'classic' || cluster.library === 'redis';
  }

  async begin(nodes: number): Promise<void> {
    await this.nodes.begin(nodes);
    this.commands ??= new Redis(this.nodes.redis.url).on('error', () => undefined);
    this.run++;
    this.isOver = false;
    await this.untilConnected();
  }

  async connect(client: number, node: number): Promise<EnvelopeClient> {
    const connected = new EnvelopeClient(this.run, client, await this.nodes.connect(node));
    this.clients.push(connected);
    return connected;
  }

  say(node: number, room: number, count: number, bytes: number): Promise<void> {
    return this.nodes.say(node, roomName(this.run, room), count, bytes);
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
        this.nodes.all.map(({ child }) => child.ask<{ state: string; nodes: number }>('cluster')),
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
    const written = this.nodes.written(this.run);
    const stored: Record<number, ReadonlySet<string>> = {};
    for (const room of new Set(written.said.map((line) => line.room))) {
      if (!hasHistory(room)) continue;
      const { child } = this.nodes.all[0]!;
      stored[room] = new Set(await child.ask<string[]>('stored', roomName(this.run, room)));
    }
    return { ...written, stored };
  }

  async end(): Promise<void> {
    this.isOver = true;
    for (const client of this.clients.splice(0)) client.close();
    this.nodes.disconnect();
    const names = await this.commands!.keys('envelope:*');
    if (names.length > 0) await this.commands!.del(names);
  }

  renew(): Promise<void> {
    return this.nodes.renew();
  }

  async close(): Promise<void> {
    this.isOver = true;
    for (const client of this.clients.splice(0)) client.close();
    this.nodes.disconnect();
    await this.nodes.renew();
    await this.commands?.quit();
    await this.nodes.close();
  }

  get output(): string {
    return this.nodes.output;
  }
}
