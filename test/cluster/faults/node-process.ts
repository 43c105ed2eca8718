import { Child } from '../../support/child.js';
import type { Backend } from './backends.js';
import { Listener } from './listener.js';
import { until } from '../../support/wait.js';

export interface NodeSettings {
  name: string;
  url?: string;
  backends: readonly Backend[];
  /** Milliseconds after which a silent node is not counted; `HEARTBEAT` by default. */
  heartbeatTimeout?: number;
}

/** The process and the ports of a node. */
export interface NodeInfo {
  name: string;
  pid: number;
  control: number;
  ports: Partial<Record<Backend, number>>;
}

/** The result of a request to other nodes. */
export interface RequestResult {
  answers?: string[];
  error?: string;
  /** Milliseconds. */
  time: number;
}

export interface Report {
  /** The changes of `server.cluster.state`, with their times. */
  changes: [state: string, at: number][];
  /** The presence events of the node. */
  presence: [change: 'join' | 'leave', key: string, at: number][];
  ticks: number;
  cluster: { state: string; nodes: number };
  dropped: number;
  clients: number;
  log: string[];
}

export type RequestKind = 'fetchSockets' | 'emitWithAck' | 'serverSideEmitWithAck' | 'presence';

/** A process with one application per backend. */
export class ClusterNode {
  constructor(
    private readonly info: NodeInfo,
    private readonly child: Child,
  ) {}

  get name(): string {
    return this.info.name;
  }
  /** Ends the process with SIGTERM. @returns how many messages it has sent, for each backend */
  async end(): Promise<number[]> {
    this.signal('SIGTERM');
    await this.child.exited;
    return this.child.valuesOf('ticks')[0] as number[];
  }
  get pid(): number {
    return this.info.pid;
  }

  portOf(backend: Backend): number {
    return this.info.ports[backend]!;
  }

  /** Connects a client that joins the room `room`. */
  join(backend: Backend): Promise<Listener> {
    return Listener.connect(this.portOf(backend), this.name);
  }

  load = (interval: number): Promise<void> => this.call('load', interval);
  cpu = (): Promise<number> => this.call('cpu');
  standstill = (): Promise<number> => this.call('standstill');
  memory = (): Promise<number> => this.call('memory');
  report = (backend: Backend): Promise<Report> => this.call('report', backend);
  request = (backend: Backend, kind: RequestKind, timeout: number): Promise<RequestResult> =>
    this.call('ask', backend, kind, timeout);
  emit = (backend: Backend, event: string, data?: unknown): Promise<void> =>
    this.call('emit', backend, event, data);
  uid = (backend: Backend): Promise<string> => this.call('uid', backend);
  send = (message: object): Promise<void> => this.call('send', message);
  close = (): Promise<void> => this.call('close');

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Resolves when the process has ended. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await until(`the end of ${this.name}`, () => !this.isRunning);
  }

  get isRunning(): boolean {
    try {
      return process.kill(this.pid, 0);
    } catch {
      return false;
    }
  }

  private async call<Result>(command: string, ...args: unknown[]): Promise<Result> {
    let response: Response;
    try {
      const url = `http://127.0.0.1:${this.info.control}/${command}`;
      response = await fetch(url, { method: 'POST', body: JSON.stringify(args) });
    } catch (error) {
      throw new Error(`node ${this.name} has ended (${command}):\n${this.child.output}`, { cause: error });
    }
    const { result, error } = (await response.json()) as { result: Result; error?: string };
    if (error !== undefined) throw new Error(`${command} failed on node ${this.name}: ${error}`);
    return result;
  }
}

/** Starts nodes, one process each. They end after the spec file. */
export async function startNodes(
  names: readonly string[],
  backends: readonly Backend[],
  url: string,
  more: Pick<NodeSettings, 'heartbeatTimeout'> = {},
): Promise<ClusterNode[]> {
  return Promise.all(
    names.map(async (name) => {
      const settings = { name, url, backends, ...more } satisfies NodeSettings;
      const child = await Child.start('../../cluster/faults/node', { settings, isShared: true });
      const [info] = (await child.waitFor('place')) as [NodeInfo];
      return new ClusterNode(info, child);
    }),
  );
}

export async function startPair(
  backends: readonly Backend[],
  url: string,
  more?: Pick<NodeSettings, 'heartbeatTimeout'>,
): Promise<[ClusterNode, ClusterNode]> {
  return (await startNodes(['a', 'b'], backends, url, more)) as [ClusterNode, ClusterNode];
}

/** Does the same for Node's cluster, with the primary process of all workers. */
export async function startWorkers(
  names: readonly string[],
): Promise<{ primary: Child; nodes: ClusterNode[] }> {
  const settings = { name: names.join(), backends: ['cluster'] } satisfies NodeSettings;
  const primary = await Child.start('../../cluster/faults/primary', { settings, isShared: true });
  const infos = (await primary.waitFor('place', names.length)) as NodeInfo[];
  infos.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
  return { primary, nodes: infos.map((info) => new ClusterNode(info, primary)) };
}
