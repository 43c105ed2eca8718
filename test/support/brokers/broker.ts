import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../upgrade.js';

/** Milliseconds. Both only end what hangs: a busy disk is slow. */
const START = 60_000;
const STOP = 20_000;

export interface Account {
  uid: number;
  gid: number;
}

interface Program {
  file: string;
  args: readonly string[];
  /** Matches its output when it accepts clients. */
  ready: RegExp;
}

/**
 * A broker for one spec file: in the foreground, on a free port of loopback, with all files in its temporary folder.
 * It is stopped after the spec file.
 */
export abstract class Broker {
  /** The signal that asks the program to stop. */
  protected abstract readonly stopSignal: NodeJS.Signals;
  private dataFolder: string | undefined;
  private assignedPort: number | undefined;
  private child: ChildProcess | undefined;
  private exited: Promise<unknown> = Promise.resolve();
  /** The suspended processes, the broker's first. */
  private stalled: number[] = [];
  /** Its output on both streams since the last start. */
  output = '';

  constructor() {
    afterAll(() => this.end());
  }

  /** The URL for clients. */
  abstract get url(): string;
  protected abstract program(): Program;
  /** The account that runs the process, if not the user of the tests. */
  protected account(): Account | undefined {
    return undefined;
  }
  /** Runs before the first start. */
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

  /** The id of the broker's main process, while it runs. */
  get pid(): number | undefined {
    return this.isRunning ? this.child?.pid : undefined;
  }

  get isRunning(): boolean {
    const { child } = this;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Starts it on the same port and in the same folder as before. Resolves when it accepts clients. */
  async start(): Promise<this> {
    if (this.isRunning) return this;
    if (this.dataFolder === undefined) {
      this.dataFolder = mkdtempSync(join(tmpdir(), `envelope-${this.constructor.name.toLowerCase()}-`));
      const account = this.account();
      if (account !== undefined) chownSync(this.dataFolder, account.uid, account.gid);
      await this.prepare();
    }
    // as late as possible: another process may take a free port while this one prepares
    this.assignedPort ??= await freePort();
    const { file, args, ready } = this.program();
    await this.ready(this.run(file, args), ready);
    return this;
  }

  /** Stops it as its operator would. Kills it after twenty seconds. */
  async stop(): Promise<void> {
    this.resume();
    await this.finish(this.stopSignal);
  }

  /** Kills it and its child processes with SIGKILL. */
  async kill(): Promise<void> {
    const pids = this.pid === undefined ? [] : [this.pid, ...descendants(this.pid)];
    for (const pid of pids.slice(1)) signal(pid, 'SIGKILL');
    this.stalled = [];
    await this.finish('SIGKILL');
    // a broker of many processes releases its port and files when the last process ends
    const deadline = Date.now() + STOP;
    while (pids.some(isAlive)) {
      if (Date.now() > deadline) throw new Error(`${this.constructor.name} did not end within ${STOP} ms`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Kills it, if it runs, and starts it on the same port. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Suspends it with SIGSTOP. Its connections stay open. */
  stall(): void {
    const { pid } = this;
    if (pid === undefined) throw new Error(`${this.constructor.name} does not run`);
    signal(pid, 'SIGSTOP');
    // a suspended process starts no more children
    this.stalled = [pid, ...descendants(pid)];
    for (const one of this.stalled) signal(one, 'SIGSTOP');
  }

  /** Continues it with SIGCONT. */
  resume(): void {
    for (const pid of this.stalled.splice(0).reverse()) signal(pid, 'SIGCONT');
  }

  /** Runs another program of the broker and waits for its end. */
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
      // not 'exit': the last output may arrive after it
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
    const timer = setTimeout(() => void this.kill(), STOP);
    this.child?.kill(how);
    await this.exited;
    clearTimeout(timer);
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
    return false; // the process has ended
  }
}

function isAlive(pid: number): boolean {
  return signal(pid, 0) && statusOf(pid)?.state !== 'Z';
}

/** Returns the ids of all child processes, including indirect ones. */
function descendants(ancestor: number): number[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const parents = new Map(processes.map((pid) => [Number(pid), statusOf(Number(pid))?.parent]));
  const children = (of: number): number[] =>
    [...parents].filter(([, parent]) => parent === of).flatMap(([pid]) => [pid, ...children(pid)]);
  return children(ancestor);
}

function statusOf(pid: number): { state: string; parent: number } | undefined {
  try {
    // pid (name) state parent: the name may contain spaces and brackets
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { state: state!, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
