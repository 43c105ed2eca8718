import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../upgrade.js';

/** Milliseconds. */
const START = 20_000;
const STOP = 5_000;

export interface Account {
  uid: number;
  gid: number;
}

interface Program {
  file: string;
  args: readonly string[];
  /** What it says once clients may come. */
  ready: RegExp;
}

/**
 * A broker of the spec file's own: in the foreground, on a free port of loopback, with nothing outside its temporary
 * folder. It is ended after the spec file.
 */
export abstract class Broker {
  /** How it is asked to end. */
  protected abstract readonly stopSignal: NodeJS.Signals;
  private dataFolder: string | undefined;
  private assignedPort: number | undefined;
  private child: ChildProcess | undefined;
  private exited: Promise<unknown> = Promise.resolve();
  /** Stopped processes, the broker's own first. */
  private stalled: number[] = [];
  /** What it said, on either stream, since it was started last. */
  output = '';

  constructor() {
    afterAll(() => this.end());
  }

  /** Where clients connect. */
  abstract get url(): string;
  protected abstract program(): Program;
  /** Whose process it is, where that is not whoever runs the tests. */
  protected account(): Account | undefined {
    return undefined;
  }
  /** Before the first start. */
  protected prepare(): Promise<void> {
    return Promise.resolve();
  }

  get port(): number {
    if (this.assignedPort === undefined) throw new Error(`${this.constructor.name} was not started`);
    return this.assignedPort;
  }

  get folder(): string {
    if (this.dataFolder === undefined) throw new Error(`${this.constructor.name} was not started`);
    return this.dataFolder;
  }

  /** The broker's own process, while it runs. */
  get pid(): number | undefined {
    return this.isRunning ? this.child?.pid : undefined;
  }

  get isRunning(): boolean {
    const { child } = this;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Starts it, on the port and in the folder that it had before; resolves once clients may come. */
  async start(): Promise<this> {
    if (this.isRunning) return this;
    this.assignedPort ??= await freePort();
    if (this.dataFolder === undefined) {
      this.dataFolder = mkdtempSync(join(tmpdir(), `envelope-${this.constructor.name.toLowerCase()}-`));
      const account = this.account();
      if (account !== undefined) chownSync(this.dataFolder, account.uid, account.gid);
      await this.prepare();
    }
    const { file, args, ready } = this.program();
    await this.ready(this.run(file, args), ready);
    return this;
  }

  /** Has it end as its operator would, and ends it where it does not within five seconds. */
  async stop(): Promise<void> {
    this.resume();
    await this.finish(this.stopSignal);
  }

  /** Ends it, and its processes, without a word: SIGKILL. */
  async kill(): Promise<void> {
    const family = this.pid === undefined ? [] : [this.pid, ...descendants(this.pid)];
    for (const pid of family.slice(1)) signal(pid, 'SIGKILL');
    this.stalled = [];
    await this.finish('SIGKILL');
    // a broker of many processes has let go of its port and files when all of them are gone
    const deadline = Date.now() + STOP;
    while (family.some(isAlive)) {
      if (Date.now() > deadline) throw new Error(`${this.constructor.name} was not gone within ${STOP} ms`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ends it without a word, if it runs, and starts it on the same port. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** It stands still, with its connections open: SIGSTOP. */
  stall(): void {
    const { pid } = this;
    if (pid === undefined) throw new Error(`${this.constructor.name} does not run`);
    signal(pid, 'SIGSTOP');
    // after that it makes no more of them
    this.stalled = [pid, ...descendants(pid)];
    for (const one of this.stalled) signal(one, 'SIGSTOP');
  }

  /** It goes on where it was: SIGCONT. */
  resume(): void {
    for (const pid of this.stalled.splice(0).reverse()) signal(pid, 'SIGCONT');
  }

  /** Runs a program of the broker's to its end. */
  protected async runToEnd(file: string, args: readonly string[]): Promise<void> {
    const child = this.run(file, args);
    await this.exited;
    if (child.exitCode !== 0) throw new Error(`${file} failed: ${this.output}`);
  }

  private run(file: string, args: readonly string[]): ChildProcess {
    const child = spawn(file, args, {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
      ...this.account(),
    });
    this.output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (this.output += String(text)));
    this.exited = new Promise((resolve) => {
      // not 'exit': what it said last is still under way then
      child.on('close', resolve);
      child.on('error', (error) => {
        this.output += error.message;
        resolve(undefined);
      });
    });
    this.child = child;
    return child;
  }

  private async ready(child: ChildProcess, ready: RegExp): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (why: string): void => reject(new Error(`${child.spawnfile} ${why}: ${this.output}`));
        timer = setTimeout(() => fail(`was not ready within ${START} ms`), START);
        void this.exited.then(() => fail('ended'));
        for (const stream of [child.stdout!, child.stderr!])
          stream.on('data', () => ready.test(this.output) && resolve());
      });
    } finally {
      clearTimeout(timer);
    }
  }

  private async finish(how: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return;
    const bound = setTimeout(() => void this.kill(), STOP);
    this.child?.kill(how);
    await this.exited;
    clearTimeout(bound);
  }

  private async end(): Promise<void> {
    await this.stop();
    if (this.dataFolder !== undefined) rmSync(this.dataFolder, { recursive: true, force: true });
  }
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false; // gone
  }
}

function isAlive(pid: number): boolean {
  return signal(pid, 0) && statusOf(pid)?.state !== 'Z';
}

/** All processes that this one made, and those that they made. */
function descendants(ancestor: number): number[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const parents = new Map(processes.map((pid) => [Number(pid), statusOf(Number(pid))?.parent]));
  const children = (of: number): number[] =>
    [...parents].filter(([, parent]) => parent === of).flatMap(([pid]) => [pid, ...children(pid)]);
  return children(ancestor);
}

function statusOf(pid: number): { state: string; parent: number } | undefined {
  try {
    // pid (name) state parent: a name may have spaces and brackets of its own
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { state: state!, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
