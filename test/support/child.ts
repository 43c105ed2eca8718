import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LONGEST_WAIT } from './longest-wait.js';

declare const NEST_MAJOR: number;
declare const HTTP_PLATFORM: 'express' | 'fastify';

const FOLDER = join(process.cwd(), 'test/support/child');

interface Message {
  ready?: true;
  call?: number;
  result?: unknown;
  error?: string;
  event?: string;
  value?: unknown;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

interface ChildOptions {
  /** The value that `settings()` returns in the child. */
  settings?: object;
  /** A command that runs it: `['ip', 'netns', 'exec', 'name']`. */
  under?: readonly string[];
  flags?: readonly string[];
  /** Whether it is killed after the last test of the file instead of after the current test. */
  isShared?: boolean;
}

const running = new Set<Child>();

afterEach(async () => {
  await Promise.all([...running].filter(({ isShared: lasts }) => !lasts).map((child) => child.kill()));
});
afterAll(async () => {
  await Promise.all([...running].map((child) => child.kill()));
});

/**
 * A program of `test/support/child` in a separate process, and so with a separate heap. It is killed after the test.
 */
export class Child {
  /** The events that the child emitted. */
  readonly events: { event: string; value: unknown }[] = [];
  readonly exited: Promise<Exit>;
  /** Its output on both streams. */
  output = '';
  private readonly calls = new Map<number, (message: Message) => void>();
  private readonly watchers = new Set<() => void>();
  private count = 0;
  private exit: Exit | undefined;

  private constructor(
    readonly process: ChildProcess,
    readonly isShared: boolean,
  ) {
    running.add(this);
    for (const stream of [process.stdout!, process.stderr!])
      stream.on('data', (text) => (this.output += String(text)));
    process.on('message', (message: Message) => this.receive(message));
    this.exited = new Promise((resolve) => {
      process.on('exit', (code, signal) => {
        running.delete(this);
        resolve((this.exit = { code, signal }));
        this.notify();
      });
    });
  }

  static async start(
    program: string,
    { settings = {}, under = [], flags = [], isShared: lasts = false }: ChildOptions = {},
  ): Promise<Child> {
    const register = pathToFileURL(join(FOLDER, 'register.mjs')).href;
    const line = [...under, process.execPath, ...flags, '--enable-source-maps', '--import', register];
    const [command, ...args] = [...line, join(FOLDER, `${program}.ts`)];
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      NEST_MAJOR: String(NEST_MAJOR),
      HTTP_PLATFORM,
      SETTINGS: JSON.stringify(settings),
    };
    const child = new Child(spawn(command!, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }), lasts);
    let isReady = false;
    child.process.once('message', () => {
      isReady = true;
      child.notify();
    });
    await child.until('the start', () => isReady || undefined);
    return child;
  }

  /** Runs a command of the child. Resolves with its result, and rejects with its error or when the child ends. */
  async ask<Result = unknown>(name: string, ...args: unknown[]): Promise<Result> {
    const call = this.count++;
    let answer: Message | undefined;
    this.calls.set(call, (message) => {
      answer = message;
      this.notify();
    });
    // `until` reports a child that has ended, with its output
    this.process.send({ call, name, args }, () => undefined);
    const { error, result } = await this.until(`the answer to ${name}`, () => answer);
    if (error !== undefined) throw new Error(`${name} failed in the child: ${error}`);
    return result as Result;
  }

  /** Returns the values of all events with this name. */
  valuesOf(name: string): unknown[] {
    return this.events.filter(({ event }) => event === name).map(({ value }) => value);
  }

  /** Resolves with the values when the child has emitted this event `times` times. */
  async waitFor(name: string, times = 1): Promise<unknown[]> {
    return this.until(`"${name}", ${times} times`, () => {
      const values = this.valuesOf(name);
      return values.length < times ? undefined : values;
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  private receive(message: Message): void {
    if (message.event !== undefined) this.events.push({ event: message.event, value: message.value });
    if (message.call !== undefined) {
      this.calls.get(message.call)?.(message);
      this.calls.delete(message.call);
    }
    this.notify();
  }

  private notify(): void {
    for (const watcher of [...this.watchers]) watcher();
  }

  private until<Found>(what: string, look: () => Found | undefined): Promise<Found> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => finish(() => reject(new Error(`${what} ${why}\n${this.output}`)));
      const timer = setTimeout(() => fail(`did not come within ${LONGEST_WAIT} ms`), LONGEST_WAIT);
      const finish = (then: () => void): void => {
        clearTimeout(timer);
        this.watchers.delete(check);
        then();
      };
      const check = (): void => {
        const found = look();
        if (found !== undefined) finish(() => resolve(found));
        else if (this.exit !== undefined) fail(`did not come: the child ended, ${JSON.stringify(this.exit)}`);
      };
      this.watchers.add(check);
      check();
    });
  }
}
