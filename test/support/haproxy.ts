import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeIf } from './brokers/describe-if.js';
import { listens } from './nginx.js';
import { freePort } from './upgrade.js';
import { until } from './wait.js';

const EXECUTABLE = process.env.HAPROXY_PATH ?? '/usr/sbin/haproxy';

/** Skips these tests with a message where HAProxy is not installed. In CI they fail instead. */
export const describeWithHaproxy = describeIf(
  existsSync(EXECUTABLE),
  `No HAProxy at ${EXECUTABLE} (apt-get install haproxy, or set HAPROXY_PATH)`,
);

const running: Haproxy[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((haproxy) => haproxy.stop()));
});

/** A HAProxy for one test, in the foreground. */
export class Haproxy {
  private readonly folder = mkdtempSync(join(tmpdir(), 'envelope-haproxy-'));
  private child: ChildProcess | undefined;
  private output = '';

  private constructor(readonly port: number) {}

  /** @param configure returns the whole configuration, with a frontend on that port */
  static async startWith(configure: (port: number) => string): Promise<Haproxy> {
    const haproxy = new Haproxy(await freePort());
    running.push(haproxy);
    await haproxy.run(configure(haproxy.port));
    return haproxy;
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const over = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await over;
    }
    rmSync(this.folder, { recursive: true });
  }

  private async run(configuration: string): Promise<void> {
    const file = join(this.folder, 'haproxy.cfg');
    writeFileSync(file, configuration);
    const child = spawn(EXECUTABLE, ['-db', '-f', file], { stdio: ['ignore', 'pipe', 'pipe'], env: {} });
    this.child = child;
    child.on('error', (error) => (this.output += error.message));
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (this.output += String(chunk)));
    await until('HAProxy to listen', () => {
      if (child.exitCode !== null || child.pid === undefined)
        throw new Error(`${EXECUTABLE} did not start: ${this.output}`);
      return listens(this.port);
    });
  }
}
