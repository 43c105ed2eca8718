import { setTimeout as pause } from 'node:timers/promises';
import { NodeProcesses } from './node-processes.js';
import type { SocketIoSettings } from './socketio-node.js';
import { roomName, SocketIoClient } from './socketio-client.js';
import type { Ledger, Subject } from './subject.js';

/** Milliseconds within which the nodes must reach each other when the faults have ended. */
const RECOVERY = 20_000;
/** Milliseconds between two probes: the first ones of a node may be lost. */
const PROBE_INTERVAL = 250;

/**
 * Socket.IO 4.8 as its documentation recommends it for messages that must arrive: connection state recovery, with the adapter for
 * Redis streams so that any node can recover a session, and the client's `retries` and `ackTimeout`.
 */
export class SocketIoSubject implements Subject {
  readonly name: string;
  readonly isLossyBetweenNodes = false;
  readonly nodes: NodeProcesses;
  private clients: SocketIoClient[] = [];
  private run = 0;
  private probes = 0;

  constructor({ library }: Pick<SocketIoSettings, 'library'>) {
    this.name = `Socket.IO, streams adapter, ${library}`;
    this.nodes = new NodeProcesses('socketio-node', { library });
  }

  async begin(nodes: number): Promise<void> {
    this.run++;
    await this.nodes.begin(nodes);
    await this.recover();
  }

  async connect(client: number, node: number): Promise<SocketIoClient> {
    const connected = new SocketIoClient(this.run, client, await this.nodes.connect(node));
    this.clients.push(connected);
    return connected;
  }

  say(node: number, room: number, count: number, bytes: number): Promise<void> {
    return this.nodes.say(node, roomName(this.run, room), count, bytes);
  }

  /** Resolves when each node has read a probe of every node: it has read all that was published before, too. */
  async recover(): Promise<void> {
    const { all: nodes } = this.nodes;
    const mark = `probe ${++this.probes} of `;
    const deadline = Date.now() + RECOVERY;
    for (;;) {
      await Promise.all(nodes.map(({ child, name }) => child.ask('probe', mark + name)));
      await pause(PROBE_INTERVAL);
      const seen = await Promise.all(nodes.map(({ child }) => child.ask<string[]>('seen')));
      if (seen.every((tokens) => nodes.every(({ name }) => tokens.includes(mark + name)))) return;
      if (Date.now() > deadline)
        throw new Error(`the nodes do not reach each other: ${JSON.stringify(seen)}`);
    }
  }

  async ledger(): Promise<Ledger> {
    return { ...this.nodes.written(this.run), stored: {} };
  }

  async end(): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
    this.nodes.disconnect();
  }

  renew(): Promise<void> {
    return this.nodes.renew();
  }

  async close(): Promise<void> {
    await this.end();
    await this.nodes.close();
  }

  get output(): string {
    return this.nodes.output;
  }
}
