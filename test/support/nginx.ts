import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned } from './certificate.js';
import { freePort } from './upgrade.js';
import { until } from './wait.js';

const EXECUTABLE = process.env.NGINX_PATH ?? '/usr/sbin/nginx';

/** Skips these tests with a message where nginx is not installed. In CI they fail instead. */
export const describeWithNginx = existsSync(EXECUTABLE) || process.env.CI === 'true' ? describe : skip();

function skip(): jest.Describe {
  process.stderr.write(
    `No nginx at ${EXECUTABLE} (apt-get install nginx-light, or set NGINX_PATH): these tests are skipped\n`,
  );
  return describe.skip;
}

/** The usual configuration for WebSocket behind nginx, and nothing else. */
const UPGRADES = [
  'proxy_http_version 1.1',
  'proxy_set_header Upgrade $http_upgrade',
  'proxy_set_header Connection "upgrade"',
];

/** An nginx for one test, in front of ports of loopback: in the foreground, with all files in its folder. */
export class Nginx {
  private readonly folder = mkdtempSync(join(tmpdir(), 'envelope-nginx-'));
  private child: ChildProcess | undefined;
  private output = '';

  private constructor(
    /** The port for HTTP. */
    readonly port: number,
    /** The port for HTTPS. */
    readonly tlsPort: number,
  ) {}

  /**
   * @param upstream the port of the application, or several ports for round robin
   * @param lines more lines of the `location`, besides those for upgrades
   */
  static async start(upstream: number | readonly number[], lines: readonly string[] = []): Promise<Nginx> {
    const nginx = new Nginx(await freePort(), await freePort());
    running.push(nginx);
    await nginx.run(nginx.serverFor([upstream].flat(), [...UPGRADES, ...lines]), [nginx.port, nginx.tlsPort]);
    return nginx;
  }

  /** An nginx as it is after its installation: it passes HTTP requests on, but no upgrades. */
  static async startWithoutUpgrades(upstream: number): Promise<Nginx> {
    const nginx = new Nginx(await freePort(), await freePort());
    running.push(nginx);
    await nginx.run(nginx.serverFor([upstream], []), [nginx.port]);
    return nginx;
  }

  /**
   * @param configure returns the contents of the `http` block, with a server on that port
   */
  static async startWith(configure: (port: number) => string): Promise<Nginx> {
    const nginx = new Nginx(await freePort(), await freePort());
    running.push(nginx);
    await nginx.run(configure(nginx.port), [nginx.port]);
    return nginx;
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

  private serverFor(upstream: readonly number[], lines: readonly string[]): string {
    const { key, cert } = selfSigned();
    writeFileSync(join(this.folder, 'key.pem'), key);
    writeFileSync(join(this.folder, 'cert.pem'), cert);
    const nodes = upstream.map((port) => `127.0.0.1:${port}`);
    const several = nodes.length > 1;
    return `
  ${several ? `upstream nodes { ${nodes.map((node) => `server ${node};`).join(' ')} }` : ''}
  server {
    listen 127.0.0.1:${this.port};
    listen 127.0.0.1:${this.tlsPort} ssl;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    location / {
      proxy_pass http://${several ? 'nodes' : nodes[0]};
      ${lines.map((line) => `${line};`).join('\n      ')}
    }
  }`;
  }

  /** Runs it with this contents of its `http` block, until it listens on these ports. */
  private async run(http: string, ports: readonly number[]): Promise<void> {
    const file = join(this.folder, 'nginx.conf');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'scgi', 'uwsgi'];
    writeFileSync(
      file,
      `daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${name};`).join(' ')}
  ${http}
}
`,
    );
    const child = spawn(EXECUTABLE, ['-e', 'stderr', '-p', this.folder, '-c', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {},
    });
    this.child = child;
    child.on('error', (error) => (this.output += error.message));
    child.stderr.on('data', (chunk) => (this.output += String(chunk)));
    await until('nginx to listen', async () => {
      if (child.exitCode !== null || child.pid === undefined)
        throw new Error(`${EXECUTABLE} did not start: ${this.output}`);
      return (await Promise.all(ports.map(listens))).every(Boolean);
    });
  }
}

/** Returns whether a port of loopback accepts connections. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const tcp = connect(port, '127.0.0.1');
    tcp.on('connect', () => resolve(true)).on('error', () => resolve(false));
    tcp.on('connect', () => tcp.destroy());
  });
}

const running: Nginx[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((nginx) => nginx.stop()));
});
