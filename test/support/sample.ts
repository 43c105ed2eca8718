import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Exit } from './child.js';
import { LONGEST_WAIT } from './longest-wait.js';

declare const NEST_MAJOR: number;

const ROOT = process.cwd();
const REGISTER = pathToFileURL(join(ROOT, 'test/support/child/register.mjs')).href;

const running = new Set<Sample>();

afterAll(async () => {
  await Promise.all([...running].map((sample) => sample.kill()));
});

/** The program of a sample, run from its sources in separate processes. It is killed after the spec file. */
export class Sample {
  /** The output of all its processes, on both streams. */
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
      // not 'exit': the last output may arrive after it
      process.on('close', (code, signal) => {
        running.delete(this);
        resolve({ code, signal });
      });
    });
  }

  /** @param program its file, such as `sample/03-cluster/src/main.ts` */
  static start(program: string, ...args: string[]): Sample {
    const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', NEST_MAJOR: String(NEST_MAJOR) };
    const command = ['--enable-source-maps', '--import', REGISTER, join(ROOT, program), ...args];
    return new Sample(spawn(process.execPath, command, { env, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** Resolves when the output matches `times` times, with the first group of each match. */
  async waitForOutput(pattern: RegExp, times = 1): Promise<string[]> {
    let timer: NodeJS.Timeout | undefined;
    let check: (() => void) | undefined;
    try {
      return await new Promise<string[]>((resolve, reject) => {
        const fail = (why: string): void =>
          reject(new Error(`${pattern.source}, ${times} times: ${why}\n${this.output}`));
        timer = setTimeout(() => fail(`not within ${LONGEST_WAIT} ms`), LONGEST_WAIT);
        void this.exited.then(({ code, signal }) => fail(`it ended with ${signal ?? code}`));
        check = () => {
          const found = [...this.output.matchAll(new RegExp(pattern, 'g'))];
          if (found.length >= times) resolve(found.map((match) => match[1]!));
        };
        this.watchers.add(check);
        check();
      });
    } finally {
      clearTimeout(timer);
      this.watchers.delete(check!);
    }
  }

  /** Sends a signal. Resolves with the exit code and signal. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.process.kill(signal);
    return this.exited;
  }

  /** Kills it. The workers of a Node cluster end with their primary. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }
}

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
