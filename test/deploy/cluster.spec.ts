import { Sample } from '../support/sample.js';
import { DeployClient } from './deployment.js';
import { until } from '../support/wait.js';

const CLIENTS = 8;

/** docs/deploy/cluster.mjs with two workers. */
class WorkerCluster {
  private constructor(
    private readonly program: Sample,
    readonly port: number,
  ) {}

  static async start(): Promise<WorkerCluster> {
    const program = Sample.start('docs/deploy/cluster.mjs', 'test/support/child/deploy-node.ts');
    const ports = await program.waitForOutput(/node on port (\d+)/, 2);
    expect(new Set(ports).size).toBe(1);
    return new WorkerCluster(program, Number(ports[0]));
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  signal(signal: NodeJS.Signals): void {
    this.program.process.kill(signal);
  }

  /** Resolves when so many workers have started since the beginning. */
  async started(count: number): Promise<void> {
    await this.program.waitForOutput(/node on port (\d+)/, count);
  }

  get exited(): Sample['exited'] {
    return this.program.exited;
  }
}

async function workerOf({ socket }: DeployClient): Promise<string> {
  const { node } = (await socket.emitWithAck('where')) as { node: string };
  return node;
}

describe('docs/deploy/cluster.mjs', () => {
  const { WORKERS } = process.env;
  let cluster: WorkerCluster;
  beforeAll(async () => {
    process.env.WORKERS = '2';
    cluster = await WorkerCluster.start();
  });
  afterAll(() => {
    if (WORKERS === undefined) delete process.env.WORKERS;
    else process.env.WORKERS = WORKERS;
  });

  const connectAll = (): Promise<DeployClient[]> =>
    Promise.all(Array.from({ length: CLIENTS }, () => DeployClient.open(cluster.url)));

  it('needs no sticky sessions for WebSockets: each stays with its worker, and broadcasts reach all', async () => {
    const clients = await connectAll();
    const workers = await Promise.all(clients.map(workerOf));
    expect(new Set(workers).size).toBe(2);
    for (let round = 0; round < 3; round++) expect(await Promise.all(clients.map(workerOf))).toEqual(workers);
    // the workers know each other once their heartbeats have met
    await until('a broadcast to all', async () => {
      clients[0]!.socket.emit('tick');
      await workerOf(clients[0]!);
      return clients.every(({ numbers }) => numbers.has(workers[0]!));
    });
  });

  it('needs them for the long polling of Socket.IO: the other worker does not know the session', async () => {
    const url = `http://127.0.0.1:${cluster.port}/socket.io/?EIO=4&transport=polling`;
    // a connection for each request, as clients behind a proxy may have
    const headers = { Connection: 'close' };
    const { sid } = JSON.parse((await (await fetch(url, { headers })).text()).slice(1)) as { sid: string };
    const statuses = new Set<number>();
    await until('a request to the other worker', async () => {
      statuses.add((await fetch(`${url}&sid=${sid}`, { headers })).status);
      return statuses.has(400);
    });
  });

  it('replaces its workers one after the other on SIGHUP, and all clients come back', async () => {
    const clients = await connectAll();
    const before = new Set(await Promise.all(clients.map(workerOf)));
    cluster.signal('SIGHUP');
    // one after the other, which takes its time on a busy machine
    for (const count of [3, 4]) await cluster.started(count);
    await until('new workers only', async () => {
      const now = await Promise.allSettled(clients.map(workerOf));
      return now.every((result) => result.status === 'fulfilled' && !before.has(result.value));
    });
    for (const { codes } of clients) expect(codes.filter((code) => code !== 1001)).toEqual([]);
  });

  it('replaces a worker that was killed', async () => {
    const client = await DeployClient.open(cluster.url);
    const worker = await workerOf(client);
    process.kill(Number(worker), 'SIGKILL');
    await cluster.started(5);
    await until('another worker', async () => (await workerOf(client).catch(() => worker)) !== worker);
  });

  it('ends its workers on SIGTERM, then itself with exit code 0', async () => {
    const clients = await connectAll();
    cluster.signal('SIGTERM');
    expect(await cluster.exited).toEqual({ code: 0, signal: null });
    for (const { codes } of clients) expect(codes).toEqual([1001]);
  });
});
