import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../lib/cli/commands.js';
import type { Stream } from '../../lib/cli/output.js';
import { run } from '../../lib/cli/run.js';
import { until } from './wait.js';

const ROOT = process.cwd();
const FOLDER = join(ROOT, 'test/.cli', String(process.pid));
let program: string | undefined;

/** The bundled command line, made at the first call. Commands stay files of their own, as in the package. */
function cliProgram(): string {
  if (program !== undefined) return program;
  const esbuild = join(ROOT, 'node_modules/esbuild/bin/esbuild');
  const source = join(ROOT, 'lib/cli/main.ts');
  const options = ['--bundle', '--splitting', '--platform=node', '--format=esm', '--packages=external'];
  // esbuild's API does not work in Jest, whose Uint8Array is another one
  execFileSync(esbuild, [
    source,
    ...options,
    '--out-extension:.js=.mjs',
    '--log-level=error',
    `--outdir=${FOLDER}`,
  ]);
  return (program = join(FOLDER, 'main.mjs'));
}

interface CliOptions {
  /** Standard input, which then ends. Without it, it stays open. */
  input?: string;
  env?: NodeJS.ProcessEnv;
  /** Flags of node. */
  flags?: readonly string[];
  /** Runs in a pseudo-terminal. */
  isTerminal?: boolean;
}

/** What a command line printed, and how it ended. */
export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

const running = new Set<Cli>();

afterEach(async () => {
  for (const cli of running) cli.process.kill('SIGKILL');
  await Promise.all([...running].map(({ ended }) => ended));
});

afterAll(() => {
  rmSync(FOLDER, { recursive: true, force: true });
  program = undefined;
});

/** A running `nestjs-envelope`. It is killed after the test. */
export class Cli {
  stdout = '';
  stderr = '';
  readonly process: ChildProcess;
  readonly ended: Promise<CliResult>;

  constructor(args: readonly string[], { input, env, flags = [], isTerminal = false }: CliOptions = {}) {
    const line = [process.execPath, ...flags, cliProgram(), ...args];
    const [command, ...rest] = isTerminal
      ? ['script', '-qefc', line.map((part) => `'${part.replaceAll("'", "'\\''")}'`).join(' '), '/dev/null']
      : line;
    this.process = spawn(command!, rest, {
      cwd: ROOT,
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        FORCE_COLOR: undefined,
        CI: undefined,
        TERM: 'xterm-256color',
        ...env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    running.add(this);
    this.process.stdout!.on('data', (text) => (this.stdout += String(text)));
    this.process.stderr!.on('data', (text) => (this.stderr += String(text)));
    // the process may end before it has read everything
    this.process.stdin!.on('error', () => undefined);
    if (input !== undefined) this.process.stdin!.end(input);
    this.ended = new Promise((resolve) => {
      this.process.on('close', (code) => {
        running.delete(this);
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  /** Resolves when this text was printed, on any of the streams. */
  async prints(text: string): Promise<void> {
    try {
      await until(text, () => `${this.stdout}${this.stderr}`.includes(text));
    } catch (error) {
      throw new Error(`${String(error)}\n${this.stdout}${this.stderr}`, { cause: error });
    }
  }

  write(text: string): void {
    this.process.stdin!.write(text);
  }
}

/** Runs a command line to its end. */
export function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return new Cli(args, { input: '', ...options }).ended;
}

let loading: Promise<void> | undefined;

/** Loads all commands, one after the other: Jest cannot load an ES module twice at the same time. */
async function loadCommands(): Promise<void> {
  for (const { load } of Object.values(COMMANDS)) await load();
}

/** Runs a command line in this process, which is cheaper: for what no process is needed. Nobody interrupts it. */
export async function cliHere(args: readonly string[]): Promise<CliResult> {
  await (loading ??= loadCommands());
  const result: CliResult = { code: null, stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr'): Stream => ({ write: (text) => (result[name] += text) });
  const { signal } = new AbortController();
  result.code = await run(args, { stdout: stream('stdout'), stderr: stream('stderr'), signal });
  return result;
}

/** Parses lines of JSON. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
