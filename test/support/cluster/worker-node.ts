import { serialize } from 'node:v8';
import type { Child } from '../child.js';
import type { Outcome, Step } from './chain.js';
import { ClusterNode, type Root } from './node.js';

/** An application in a worker process of Node's cluster module. */
export class WorkerNode extends ClusterNode {
  private isOpen = true;

  private constructor(
    name: string,
    port: number,
    readonly primary: Child,
  ) {
    super(name, port);
  }

  /** @param primary runs `test/support/child/cluster-node.ts` */
  static async start(name: string, primary: Child): Promise<WorkerNode> {
    return new WorkerNode(name, await primary.ask<number>('fork', name), primary);
  }

  protected override perform(root: Root, steps: Step[]): Promise<Outcome> {
    // the channel to a process carries JSON, and tests emit values that JSON cannot represent
    const text = serialize(steps).toString('base64');
    return this.primary.ask<Outcome>('run', this.name, 'perform', root, text);
  }

  /** Needs no subscriptions: workers receive everything from the primary. */
  override settled(): Promise<void> {
    return Promise.resolve();
  }

  /** Closes the application and ends its process. */
  override async close(): Promise<void> {
    if (this.isOpen) await this.primary.ask('close', this.name);
    this.isOpen = false;
  }

  /** Suspends the process with SIGSTOP. Resolves with a function that continues it. */
  async stall(): Promise<() => Promise<void>> {
    await this.primary.ask('signal', this.name, 'SIGSTOP');
    return async () => void (await this.primary.ask('signal', this.name, 'SIGCONT'));
  }
}
