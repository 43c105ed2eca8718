import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Exit } from './child.js';

declare const NEST_MAJOR: number;

const ROOT = process.cwd();
const REGISTER = pathToFileURL(join(ROOT, 'test/support/child/register.mjs')).href;
/** Milliseconds for what it is to say: on a busy machine processes take their time to start. */
const TIMEOUT = 30_000;

const running = new Set<Sample>();

afterAll(async () => {
  await Promise.all([...running].map((sample) => sample.kill()));
});

/** A sample's own program, from its sources, in processes of its own; ended after the spec file. */
export class Sample {
  /** What it and the processes that it started wrote, to either stream. */
  output = '';
  readonly exited: Promise<Exit>;
  private readonly watchers = new Set<() => void>();

  private constructor(readonly process: ChildProcess) {
    running.add(this);
    for (const stream of [process.stdout!, process.stderr!]) {
      stream.on('data', (text) => {
        this.output += String(text);
        for (const watcher of [...this.watchers]) watcher();
      });
    }
    this.exited = new Promise((resolve) => {
      // not 'exit': what it said last is still under way then
      process.on('close', (code, signal) => {
        running.delete(this);
        resolve({ code, signal });
      });
    });
  }

  /** @param program its file: `sample/03-cluster/src/main.ts` */
  static start(program: string, ...args: string[]): Sample {
    const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', NEST_MAJOR: String(NEST_MAJOR) };
    const line = ['--enable-source-maps', '--import', REGISTER, join(ROOT, program), ...args];
    return new Sample(spawn(process.execPath, line, { env, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** Resolves when it has said so often what matches, with the first group of each. */
  async waitForOutput(pattern: RegExp, times = 1): Promise<string[]> {
    let timer: NodeJS.Timeout | undefined;
    let look: (() => void) | undefined;
    try {
      return await new Promise<string[]>((resolve, reject) => {
        const fail = (why: string): void =>
          reject(new Error(`${pattern.source}, ${times} times: ${why}\n${this.output}`));
        timer = setTimeout(() => fail(`not within ${TIMEOUT} ms`), TIMEOUT);
        void this.exited.then(({ code, signal }) => fail(`it ended with ${signal ?? code}`));
        look = () => {
          const found = [...this.output.matchAll(new RegExp(pattern, 'g'))];
          if (found.length >= times) resolve(found.map((match) => match[1]!));
        };
        this.watchers.add(look);
        look();
      });
    } finally {
      clearTimeout(timer);
      this.watchers.delete(look!);
    }
  }

  /** How it ended, once it has. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.process.kill(signal);
    return this.exited;
  }

  /** The workers of a Node cluster end with their primary. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }
}

/** Whether there is a process of that id. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
