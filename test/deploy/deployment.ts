import { connect, type ClientSocket } from '../../lib/client/node.js';
import { Child } from '../support/child.js';
import type { DeployNodeSettings, Tick } from '../support/child/deploy-node.js';

/** A process that serves clients, with its own port. It ends after the spec file. */
export class DeployedNode {
  private constructor(
    readonly name: string,
    readonly child: Child,
    readonly port: number,
  ) {}

  static async start(settings: DeployNodeSettings & { name: string }): Promise<DeployedNode> {
    const child = await Child.start('deploy-node', { settings, isShared: true });
    return new DeployedNode(settings.name, child, await child.ask<number>('port'));
  }

  load(interval: number): Promise<void> {
    return this.child.ask('load', interval);
  }
  stopLoad(): Promise<number> {
    return this.child.ask('stopLoad');
  }
  clients(): Promise<number> {
    return this.child.ask('clients');
  }

  /** Returns how many requests it has begun to handle. */
  works(): Promise<number> {
    return this.child.ask('works');
  }

  /** Lets it answer the requests that it handles. */
  finish(): Promise<void> {
    return this.child.ask('finish');
  }
  /** Ends it as an operator does. Resolves with how many messages it has sent, when the process has ended. */
  async end(): Promise<number> {
    this.child.signal('SIGTERM');
    const [sent] = await this.child.waitFor('sent');
    await this.child.exited;
    return sent as number;
  }
}

const open = new Set<DeployClient>();
afterEach(() => {
  for (const client of open) client.socket.disconnect();
  open.clear();
});

/** The client of this package, with a list of all messages that it received. */
export class DeployClient {
  readonly socket: ClientSocket;
  /** The numbers of the messages, by the node that sent them. */
  readonly numbers = new Map<string, number[]>();
  /** The close codes of its connections. */
  readonly codes: number[] = [];
  /** Whether each reconnect recovered the session. */
  readonly recoveries: boolean[] = [];
  /** Whether it was told at each reconnect that messages may be missing. */
  readonly missed: boolean[] = [];
  /** The errors of failed attempts to connect. */
  readonly failures: string[] = [];

  private constructor(url: string) {
    this.socket = connect(url, { reconnectionDelay: 100, reconnectionDelayMax: 1_000 });
    open.add(this);
    this.socket.on('tick', ({ from, n }: Tick) => {
      const numbers = this.numbers.get(from) ?? [];
      this.numbers.set(from, numbers);
      numbers.push(n);
    });
    this.socket.on('disconnect', (_reason: string, { code }: { code: number }) => this.codes.push(code));
    this.socket.on('connect_error', (error: Error) => this.failures.push(error.message));
    let isFirst = true;
    this.socket.on('connect', ({ missed }: { missed: boolean }) => {
      if (!isFirst) {
        this.recoveries.push(this.socket.recovered);
        this.missed.push(missed);
      }
      isFirst = false;
    });
  }

  static async open(url: string): Promise<DeployClient> {
    const client = new DeployClient(url);
    await client.socket.emitWithAck('where');
    return client;
  }

  /** Returns what is missing, doubled or out of order in the messages of a node, up to the last one. */
  faults(from: string, count: number): string[] {
    const numbers = this.numbers.get(from) ?? [];
    const first = numbers[0] ?? 0;
    const wrong = numbers.flatMap((n, index) =>
      n === first + index ? [] : [`${n} instead of ${first + index}`],
    );
    return numbers.at(-1) === count - 1
      ? wrong.slice(0, 3)
      : [...wrong.slice(0, 3), `${count - 1} is not the last`];
  }
}
