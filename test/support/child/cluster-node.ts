import cluster, { type Worker } from 'node:cluster';
import { deserialize } from 'node:v8';
import { createAdapter, setupPrimary } from '@socket.io/cluster-adapter';
import { perform, type Step } from '../cluster/chain.js';
import { clusterGateways, serverIn } from '../cluster/gateways.js';
import { rootOf, type Root } from '../cluster/node.js';
import { boot } from './boot.js';
import { serveCommands } from './program.js';

/*
 * The primary of a Node cluster and its workers. Each worker runs an application on another port. The primary
 * forwards the test's commands to the workers.
 */

interface Answer {
  ready?: true;
  call?: number;
  result?: unknown;
  error?: string;
}

class Workers {
  private readonly workers = new Map<string, Worker>();
  private calls = 0;

  /** Starts a worker. Resolves with its port. */
  async fork(name: string): Promise<number> {
    const worker = cluster.fork({ NODE_NAME: name });
    worker.setMaxListeners(0);
    // a worker that has closed its application may end before it receives `disconnect`
    worker.on('error', () => undefined);
    this.workers.set(name, worker);
    await nextMessage(worker, ({ ready }) => ready === true);
    return (await this.run(name, 'port')) as number;
  }

  async run(name: string, command: string, ...args: unknown[]): Promise<unknown> {
    const worker = this.workers.get(name)!;
    const call = this.calls++;
    const answered = nextMessage(worker, (answer) => answer.call === call);
    // `nextMessage` reports a worker that has ended
    worker.send({ call, name: command, args }, () => undefined);
    const { error, result } = await answered;
    if (error !== undefined) throw new Error(error);
    return result;
  }

  async close(name: string): Promise<void> {
    const worker = this.workers.get(name)!;
    await this.run(name, 'close');
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.disconnect();
    await exited;
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.workers.get(name)!.process.kill(signal);
  }
}

function nextMessage(worker: Worker, isIt: (answer: Answer) => boolean): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const listen = (answer: Answer): void => {
      if (!isIt(answer)) return;
      worker.off('message', listen);
      worker.off('exit', fail);
      resolve(answer);
    };
    const fail = (): void => reject(new Error(`the worker ended, ${worker.process.exitCode}`));
    if (worker.isDead()) fail();
    worker.on('message', listen);
    worker.once('exit', fail);
  });
}

async function work(name: string): Promise<void> {
  const adapter = createAdapter({ heartbeatInterval: 1_000 });
  const gateways = clusterGateways(name);
  // without `exclusive` all workers would share one port
  const listen = { port: 0, host: '127.0.0.1', exclusive: true };
  const { nest, port } = await boot({ providers: gateways }, { adapter }, listen);
  serveCommands({
    port: () => port,
    perform: (root: Root, steps: string) =>
      perform(
        () => rootOf(serverIn(nest, gateways), root),
        deserialize(Buffer.from(steps, 'base64')) as Step[],
      ),
    close: () => nest.close(),
  });
}

if (cluster.isPrimary) {
  setupPrimary();
  const workers = new Workers();
  serveCommands({
    fork: (name: string) => workers.fork(name),
    run: (name: string, command: string, ...args: unknown[]) => workers.run(name, command, ...args),
    close: (name: string) => workers.close(name),
    signal: (name: string, signal: NodeJS.Signals) => workers.signal(name, signal),
  });
  // keeps the process alive: the channel to the parent does not
  setInterval(() => undefined, 60_000);
} else {
  await work(process.env['NODE_NAME']!);
}
