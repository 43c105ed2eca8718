import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeIf } from './brokers/describe-if.js';
import { listens } from './nginx.js';
import { freePort } from './upgrade.js';
import { until } from './wait.js';

/** What is replaced in a published file: pairs of a text, which must occur once, and the text that takes its place. */
export type Changes = readonly (readonly [published: string, ours: string])[];

/** Reads a file of `docs/deploy` and makes these changes in it. */
export function published(file: string, changes: Changes): string {
  const text = readFileSync(join(process.cwd(), 'docs/deploy', file), 'utf8');
  return changes.reduce((changed, [from, to]) => {
    const parts = changed.split(from);
    if (parts.length !== 2)
      throw new Error(`docs/deploy/${file} has "${from}" ${parts.length - 1} times, not once`);
    return parts.join(to);
  }, text);
}

/** A proxy that Debian has as a package. */
export interface ProxyKind {
  readonly name: string;
  /** `describe` where the program is installed, which skips with a message elsewhere. In CI the tests fail instead. */
  readonly describe: jest.Describe;
  readonly executable: string;
  /** The published file. */
  readonly file: string;
  /** Returns the published file with other ports, and nothing else changed. */
  configure(port: number, nodes: readonly number[]): string;
  /** Returns what is written into the folder of the proxy, by file name. */
  files(configuration: string, folder: string): Record<string, string>;
  args(folder: string): string[];
  /** Matches its output when it listens: another process may have taken the port meanwhile. */
  readonly ready: RegExp;
  /** Variables that the file reads. */
  readonly env?: Readonly<Record<string, string>>;
  /** Makes the running proxy read its files again. Resolves when they are in use. */
  reload(proxy: ReverseProxy): Promise<void>;
}

const NODES = ['10.0.0.1:3000', '10.0.0.2:3000'];

function executable(
  variable: string,
  path: string,
  packageName: string,
): Pick<ProxyKind, 'executable' | 'describe'> {
  const file = process.env[variable] ?? path;
  const reason = `No ${packageName} at ${file} (apt-get install ${packageName}, or set ${variable})`;
  return { executable: file, describe: describeIf(existsSync(file), reason) };
}

/** Replaces the addresses of the nodes. A proxy for one node has its address twice. */
function nodeChanges(nodes: readonly number[]): Changes {
  return NODES.map((address, index) => [address, `127.0.0.1:${nodes[index % nodes.length]}`] as const);
}

export const NGINX: ProxyKind = {
  name: 'nginx',
  ...executable('NGINX_PATH', '/usr/sbin/nginx', 'nginx-light'),
  file: 'nginx.conf',
  configure: (port, nodes) =>
    published('nginx.conf', [['listen 80;', `listen 127.0.0.1:${port};`], ...nodeChanges(nodes)]),
  files: (configuration) => ({
    'nginx.conf': `daemon off;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
pid nginx.pid;
error_log stderr notice;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'scgi', 'uwsgi'].map((name) => `${name}_temp_path ${name};`).join(' ')}
  include published.conf;
}
`,
    'published.conf': configuration,
  }),
  args: (folder) => ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')],
  ready: /start worker process /,
  reload: (proxy) => proxy.signalToReload('SIGHUP', /start worker process /g),
};

export const HAPROXY: ProxyKind = {
  name: 'HAProxy',
  ...executable('HAPROXY_PATH', '/usr/sbin/haproxy', 'haproxy'),
  file: 'haproxy.cfg',
  configure: (port, nodes) =>
    published('haproxy.cfg', [
      ['bind :80', `bind 127.0.0.1:${port}`],
      // this machine may allow fewer open files
      ['maxconn 20000', 'maxconn 1000'],
      ...nodeChanges(nodes),
    ]),
  files: (configuration) => ({ 'haproxy.cfg': configuration }),
  args: (folder) => ['-W', '-db', '-f', join(folder, 'haproxy.cfg')],
  ready: /Loading success/,
  reload: (proxy) => proxy.signalToReload('SIGUSR2', /Loading success/g),
};

export const CADDY: ProxyKind = {
  name: 'Caddy',
  ...executable('CADDY_PATH', '/usr/bin/caddy', 'caddy'),
  file: 'Caddyfile',
  configure: (port, nodes) =>
    published('Caddyfile', [
      ['{$ADDRESS::80}', `http://127.0.0.1:${port}`],
      [NODES.join(' '), nodes.map((node) => `127.0.0.1:${node}`).join(' ')],
    ]),
  files: (configuration) => ({ Caddyfile: configuration }),
  ready: /serving initial configuration/,
  args: (folder) => ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'],
  reload: (proxy) =>
    proxy.runToEnd([
      'reload',
      '--force',
      '--config',
      join(proxy.folder, 'Caddyfile'),
      '--adapter',
      'caddyfile',
    ]),
};

export const PROXIES = [NGINX, HAPROXY, CADDY] as const;

const running: ReverseProxy[] = [];
afterEach(async () => {
  await Promise.all([...running].map((proxy) => proxy.stop()));
});

/** A proxy with a published configuration, in the foreground, with all its files in a temporary folder. */
export class ReverseProxy {
  readonly folder = mkdtempSync(join(tmpdir(), 'envelope-proxy-'));
  /** Its output on both streams. */
  output = '';
  private child: ChildProcess | undefined;

  private constructor(
    private readonly kind: ProxyKind,
    readonly port: number,
  ) {}

  /**
   * Starts a proxy in front of nodes. It is stopped after the test.
   *
   * @param change changes the configuration further
   * @param onPort its port, where that is chosen already
   */
  static async start(
    kind: ProxyKind,
    nodes: readonly number[],
    change: (text: string) => string = (text) => text,
    onPort?: number,
  ): Promise<ReverseProxy> {
    const proxy = new ReverseProxy(kind, onPort ?? (await freePort()));
    running.push(proxy);
    proxy.write(change(kind.configure(proxy.port, nodes)));
    proxy.child = proxy.spawn(kind.args(proxy.folder));
    await until(`${kind.name} to listen`, () => {
      if (proxy.child!.exitCode !== null || proxy.child!.pid === undefined)
        throw new Error(`${kind.executable} did not start: ${proxy.output}`);
      return kind.ready.test(proxy.output) && listens(proxy.port);
    });
    return proxy;
  }

  url(path = '/ws'): string {
    return `ws://127.0.0.1:${this.port}${path}`;
  }

  /** Makes it read its configuration again. Resolves when that is in use. */
  reload(): Promise<void> {
    return this.kind.reload(this);
  }

  /** Sends it a signal. Resolves when its output matches once more than before. */
  async signalToReload(signal: NodeJS.Signals, loaded: RegExp): Promise<void> {
    const count = (): number => [...this.output.matchAll(loaded)].length;
    const before = count();
    this.child!.kill(signal);
    await until(`a reload of ${this.kind.name}`, () => count() > before);
  }

  /** Runs another command of its program, which has to succeed. */
  async runToEnd(args: readonly string[]): Promise<void> {
    const code = await new Promise<number>((resolve) => this.spawn(args).once('close', resolve));
    if (code !== 0) throw new Error(`${this.kind.executable} ${args[0]} ended with ${code}: ${this.output}`);
  }

  async stop(): Promise<void> {
    running.splice(running.indexOf(this), 1);
    const { child } = this;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const over = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await over;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private write(configuration: string): void {
    for (const [name, text] of Object.entries(this.kind.files(configuration, this.folder)))
      writeFileSync(join(this.folder, name), text);
  }

  private spawn(args: readonly string[]): ChildProcess {
    const { folder } = this;
    const child = spawn(this.kind.executable, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Caddy keeps its state below these, and listens for commands on a socket of its own
      env: {
        HOME: folder,
        XDG_DATA_HOME: folder,
        XDG_CONFIG_HOME: folder,
        CADDY_ADMIN: `unix/${join(folder, 'admin.sock')}`,
        ...this.kind.env,
      },
    });
    child.on('error', (error) => (this.output += error.message));
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (text) => (this.output += String(text)));
    return child;
  }
}
