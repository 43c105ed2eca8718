import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parse, parseAllDocuments } from 'yaml';
import { resolvePathOptions } from '../../lib/nest/options/options.js';

const ROOT = process.cwd();
const FOLDER = join(ROOT, 'docs/deploy');
const read = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');

/** Returns the first group of a match, which the text must have. */
function find(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`nothing matches ${pattern.source}`);
  return found;
}
const seconds = (text: string): number => Number(find(text, /^(\d+)s$/));

const { pingInterval, pingTimeout, shutdownTimeout } = resolvePathOptions({});

/** Returns a number of milliseconds that the code has as a constant. */
function constant(file: string, name: string): number {
  const code = readFileSync(join(ROOT, 'lib/server', file), 'utf8');
  return Number(find(code, new RegExp(`const ${name} = ([\\d_]+);`)).replaceAll('_', ''));
}

/** The longest shutdown with the default options, in seconds. */
function longestShutdown(): number {
  const sending = constant('namespace/shutdown.ts', 'MAX_DURATION');
  const closing = 2 * constant('namespace/shutdown.ts', 'CLOSE_TIMEOUT');
  const broker = constant('cluster/pending-publications.ts', 'TIMEOUT');
  return (shutdownTimeout + sending + closing + broker) / 1_000;
}
const SHUTDOWN = longestShutdown();
/** Seconds for the rest: hooks of the application, the broker, the HTTP server. */
const RESERVE = 5;

interface Container {
  ports: { name: string; containerPort: number }[];
  env: { name: string; value?: string }[];
  securityContext: Record<string, unknown>;
  lifecycle: { preStop: { exec: { command: [string, string] } } };
  [probe: `${string}Probe`]: { httpGet: { path: string; port: string } };
}
interface Resource {
  kind: string;
  metadata: { name: string };
  spec: Record<string, unknown>;
}

describe('docs/deploy/kubernetes.yaml', () => {
  const documents = parseAllDocuments(read('kubernetes.yaml'));
  const resources = documents.map((document) => document.toJS() as Resource);
  const specOf = <Spec>(kind: string): Spec =>
    resources.find((resource) => resource.kind === kind)!.spec as Spec;
  const deployment = specOf<{
    replicas: number;
    selector: { matchLabels: object };
    template: {
      metadata: { labels: object; annotations: Record<string, string> };
      spec: { terminationGracePeriodSeconds: number; securityContext: object; containers: [Container] };
    };
  }>('Deployment');
  const { metadata, spec } = deployment.template;
  const [container] = spec.containers;
  const portOf = (name: string): number => container.ports.find((port) => port.name === name)!.containerPort;

  it('is valid YAML, one resource of each kind', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
    expect(resources.map(({ kind }) => kind)).toEqual([
      'Deployment',
      'Service',
      'PodDisruptionBudget',
      'Ingress',
    ]);
  });

  it('selects its own pods everywhere', () => {
    const { labels } = metadata;
    expect(deployment.selector.matchLabels).toEqual(labels);
    expect(specOf<{ selector: object }>('Service').selector).toEqual(labels);
    const budget = specOf<{ selector: { matchLabels: object }; maxUnavailable: number }>(
      'PodDisruptionBudget',
    );
    expect(budget.selector.matchLabels).toEqual(labels);
    expect(budget.maxUnavailable).toBeLessThan(deployment.replicas);
  });

  it('uses ports and paths that exist', () => {
    const { value } = container.env.find(({ name }) => name === 'PORT')!;
    expect(portOf('http')).toBe(Number(value));
    expect(portOf('metrics')).toBe(Number(metadata.annotations['prometheus.io/port']));
    const health = readFileSync(join(ROOT, 'docs/observability.md'), 'utf8');
    const paths = [...health.matchAll(/@Get\('(\w+)'\) @HealthCheck\(\)/g)].map(([, path]) => `/${path}`);
    expect(paths).toEqual(['/health', '/ready']);
    const probes = { startupProbe: '/health', livenessProbe: '/health', readinessProbe: '/ready' } as const;
    for (const [probe, path] of Object.entries(probes))
      expect(container[probe as keyof typeof probes]!.httpGet).toEqual({ path, port: 'http' });
    const { ports } = specOf<{ ports: [{ name: string; targetPort: string }] }>('Service');
    expect(ports[0].targetPort).toBe('http');
    const service = resources.find(({ kind }) => kind === 'Service')!.metadata.name;
    const ingress = JSON.stringify(specOf('Ingress'));
    expect(ingress).toContain(JSON.stringify({ service: { name: service, port: { name: ports[0].name } } }));
    expect(health).toContain(`port: ${portOf('metrics')} `);
  });

  it('gives a pod the time that its shutdown takes, and says the sum', () => {
    const [program, pause] = container.lifecycle.preStop.exec.command;
    expect(program).toBe('sleep');
    const longest = Number(pause) + SHUTDOWN;
    expect(Number(find(read('kubernetes.yaml'), /at most +(\d+) s/))).toBe(longest);
    const grace = spec.terminationGracePeriodSeconds;
    expect(Number(find(read('kubernetes.yaml'), /# {3}terminationGracePeriodSeconds +(\d+) s/))).toBe(grace);
    expect(grace).toBeGreaterThanOrEqual(longest + RESERVE);
  });

  it('runs as the account of the image, without rights', () => {
    const user = Number(find(read('Dockerfile'), /^USER (\d+)$/m));
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: user });
    expect(container.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });
});

describe('docs/deploy/traefik', () => {
  const fixed = parse(read('traefik/traefik.yaml')) as {
    entryPoints: object;
    providers: { file: { filename: string } };
  };
  const { http } = parse(read('traefik/dynamic.yaml')) as {
    http: {
      routers: Record<string, { entryPoints: string[]; service: string; middlewares: string[] }>;
      middlewares: object;
      services: Record<
        string,
        { loadBalancer: { servers: { url: string }[]; healthCheck: { path: string } } }
      >;
    };
  };

  it('names only what exists', () => {
    expect(fixed.providers.file.filename).toBe('/etc/traefik/dynamic.yaml');
    for (const { entryPoints, service, middlewares } of Object.values(http.routers)) {
      expect(Object.keys(fixed.entryPoints)).toEqual(expect.arrayContaining(entryPoints));
      expect(Object.keys(http.middlewares)).toEqual(expect.arrayContaining(middlewares));
      expect(Object.keys(http.services)).toContain(service);
    }
  });

  it('has the nodes and the health check of the other proxies', () => {
    const { servers, healthCheck } = http.services['envelope']!.loadBalancer;
    const nodes = servers.map(({ url }) => new URL(url).host);
    expect(healthCheck.path).toBe('/ready');
    expect(read('haproxy.cfg')).toContain(`uri ${healthCheck.path} `);
    expect(read('Caddyfile')).toContain(`:${healthCheck.path}}`);
    for (const node of nodes) {
      for (const file of ['nginx.conf', 'socket.io-nginx.conf'])
        expect(read(file)).toContain(`server ${node}`);
      for (const file of ['haproxy.cfg', 'socket.io-haproxy.cfg'])
        expect(read(file)).toMatch(new RegExp(`server node\\d ${node}`));
    }
    expect(read('Caddyfile')).toContain(nodes.join(' '));
  });
});

describe('the timeouts of proxies for idle connections', () => {
  it.each([
    ['nginx.conf', /proxy_(?:read|send)_timeout (\w+);/g],
    ['socket.io-nginx.conf', /proxy_read_timeout (\w+);/g],
    ['haproxy.cfg', /timeout (?:client|server|tunnel) (\w+)$/gm],
    ['socket.io-haproxy.cfg', /timeout (?:client|server|tunnel) (\w+)$/gm],
  ])('of %s are longer than the server needs to find a dead client', (file, pattern) => {
    const timeouts = [...read(file).matchAll(pattern)].map(([, timeout]) => seconds(timeout!));
    expect(timeouts.length).toBeGreaterThan(0);
    for (const timeout of timeouts) expect(timeout * 1_000).toBeGreaterThan(pingInterval + pingTimeout);
  });
});

describe('docs/deploy/Dockerfile', () => {
  const lines = read('Dockerfile')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const stages = lines.flatMap((line) => /^FROM (\S+)(?: AS (\w+))?$/.exec(line)?.slice(1) ?? []);
  const last = lines.slice(lines.lastIndexOf('FROM node:24-slim'));

  it('builds in stages, and copies only from those that exist', () => {
    expect(stages).toHaveLength(6);
    expect(new Set(stages.filter((_, index) => index % 2 === 0)).size).toBe(1);
    const copied = lines.flatMap((line) => /^COPY --from=(\w+)/.exec(line)?.[1] ?? []);
    expect(new Set(copied)).toEqual(new Set(['build', 'dependencies']));
    for (const name of copied) expect(stages).toContain(name);
  });

  it('copies files of this repository, with the manifest of every workspace', () => {
    const sources = lines.flatMap((line) => /^COPY (?!--from)(.+) \S+$/.exec(line)?.[1]?.split(' ') ?? []);
    for (const source of sources) expect(existsSync(join(ROOT, source))).toBe(true);
    const samples = readdirSync(join(ROOT, 'sample')).filter((name) =>
      existsSync(join(ROOT, 'sample', name, 'package.json')),
    );
    expect(sources).toEqual(
      expect.arrayContaining([
        ...samples.map((name) => `sample/${name}/package.json`),
        'test/nest-11/package.json',
      ]),
    );
  });

  it('puts what samples share where their controllers look for it', () => {
    const shared = find(lines.join('\n'), /^COPY --from=build \/repository\/sample\/shared (\S+)$/m);
    const folder = find(last.join('\n'), /^WORKDIR (\S+)$/m);
    for (const name of ['01-chat', '02-auth', '03-cluster']) {
      const controller = readFileSync(join(ROOT, 'sample', name, 'src/page.controller.ts'), 'utf8');
      expect(join(folder, 'dist', find(controller, /'(\S+shared)'/))).toBe(shared);
    }
  });

  it('runs Node that the package supports, not as root, and not as process 1', () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      engines: { node: string };
    };
    const major = Number(find(stages[0]!, /^node:(\d+)-slim$/));
    expect(major % 2).toBe(0);
    expect(major).toBeGreaterThanOrEqual(Number(find(engines.node, /^>=(\d+)$/)));
    expect(Number(find(last.join('\n'), /^USER (\d+)$/m))).toBeGreaterThan(0);
    expect(last).toContain('ENTRYPOINT ["tini", "--"]');
    const port = find(last.join('\n'), /^ENV PORT=(\d+)$/m);
    expect(last).toContain(`EXPOSE ${port}`);
    expect(last.at(-1)).toBe('CMD ["node", "dist/main.js"]');
  });
});

interface Service {
  image?: string;
  build?: { context: string; dockerfile: string; args: { SAMPLE: string } };
  environment: Record<string, string>;
  depends_on?: Record<string, object>;
  stop_grace_period?: string;
  healthcheck?: { test: string[] };
  volumes?: string[];
}

describe('docs/deploy/compose.yaml', () => {
  const { services } = parse(read('compose.yaml')) as { services: Record<string, Service> };

  it('names services, files and ports that exist', () => {
    expect(Object.keys(services)).toEqual(['redis', 'node1', 'node2', 'proxy']);
    for (const { depends_on: names = {} } of Object.values(services))
      for (const name of Object.keys(names)) expect(services[name]!.healthcheck).toBeDefined();
    const { node1, node2, proxy } = services as Record<'node1' | 'node2' | 'proxy', Service>;
    expect(node2).toEqual(node1);
    const { context, dockerfile, args } = node1.build!;
    expect(join(FOLDER, context)).toBe(`${ROOT}/`.replace(/\/$/, ''));
    expect(existsSync(join(FOLDER, context, dockerfile))).toBe(true);
    expect(existsSync(join(ROOT, 'sample', args.SAMPLE, 'src/main.ts'))).toBe(true);
    const { PORT, REDIS_URL } = node1.environment;
    expect(node1.healthcheck!.test.at(-1)).toContain(`127.0.0.1:${PORT}/`);
    expect(Object.keys(services)).toContain(new URL(REDIS_URL!).hostname);
    expect(proxy.environment['NODES']).toBe(`node1:${PORT} node2:${PORT}`);
    for (const volume of proxy.volumes!) expect(existsSync(join(FOLDER, volume.split(':')[0]!))).toBe(true);
    const variables = [...read('Caddyfile').matchAll(/\{\$(\w+):/g)].map(([, name]) => name);
    expect(new Set(variables)).toEqual(new Set(Object.keys(proxy.environment)));
  });

  it('sets only variables that the sample reads', () => {
    const settings = readFileSync(join(ROOT, 'sample/03-cluster/src/settings.ts'), 'utf8');
    for (const name of Object.keys(services['node1']!.environment)) expect(settings).toContain(name);
  });

  it('gives a node the time that its shutdown takes', () => {
    expect(seconds(services['node1']!.stop_grace_period!)).toBeGreaterThanOrEqual(SHUTDOWN + RESERVE);
  });
});

describe('process managers', () => {
  const unit = read('chat@.service');
  const { apps } = createRequire(import.meta.url)(join(FOLDER, 'ecosystem.config.cjs')) as {
    apps: [{ script: string; kill_timeout: number; exec_mode: string; env: { PORT: string } }];
  };

  it('give a node the time that its shutdown takes', () => {
    expect(Number(find(unit, /^TimeoutStopSec=(\d+)$/m))).toBeGreaterThanOrEqual(SHUTDOWN + RESERVE);
    expect(apps[0].kill_timeout / 1_000).toBeGreaterThanOrEqual(SHUTDOWN + RESERVE);
    const inCluster = Number(find(read('cluster.mjs'), /KILL_TIMEOUT = ([\d_]+)/).replaceAll('_', ''));
    expect(inCluster / 1_000).toBeGreaterThanOrEqual(SHUTDOWN + RESERVE);
    for (const file of ['chat@.service', 'ecosystem.config.cjs'])
      expect(Number(find(read(file), /so at most (\d+) s/))).toBe(SHUTDOWN);
  });

  it('start the program that the image starts', () => {
    const program = find(read('Dockerfile'), /^CMD \["node", "(.+)"\]$/m);
    expect(apps[0].script).toBe(program);
    expect(unit).toContain(`ExecStart=/usr/bin/node ${program}`);
  });

  const hasSystemd = existsSync('/usr/bin/systemd-analyze');
  if (!hasSystemd) process.stderr.write('No systemd-analyze on this machine: its test is skipped\n');
  (hasSystemd ? it : it.skip)('have a unit in which systemd finds no mistake', () => {
    const folder = mkdtempSync(join(tmpdir(), 'envelope-systemd-'));
    try {
      const file = join(folder, 'chat@3000.service');
      writeFileSync(file, unit.replace('/usr/bin/node', process.execPath));
      // it reports on stderr, and ends with 0 also after a wrong value
      const options = { encoding: 'utf8', stdio: 'pipe' } as const;
      const { status, stderr } = spawnSync('/usr/bin/systemd-analyze', ['verify', '--man=no', file], options);
      // other lines are about this machine
      expect([status, stderr.split('\n').filter((line) => line.includes(file))]).toEqual([0, []]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('docs/deploy/README.md', () => {
  it('quotes log lines that the code has', () => {
    const code = readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(ROOT, 'lib', file), 'utf8'))
      .join('\n')
      // long texts are concatenated
      .replaceAll(/['"`] \+\s+['"`]/g, '');
    const table = find(read('README.md'), /## Mistakes([^]+?)\n## /);
    const lines = [...table.matchAll(/^\| [^|]+ \| `([^|`]+)`[^|]*\|/gm)].map(([, line]) => line!);
    expect(lines.length).toBeGreaterThan(8);
    // without the parts that depend on the request
    const parts = lines
      .flatMap((line) => line.split(/GET \S+|10\.0\.0\.1\d|\/ws/))
      .map((part) => part.trim());
    expect(parts.filter((part) => !code.includes(part))).toEqual([]);
  });

  it('has every file in its table', () => {
    const table = read('README.md');
    const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter(
      (name) => !['README.md', 'traefik', 'Dockerfile.dockerignore'].includes(name),
    );
    for (const name of files) expect(table).toContain(`(${name})`);
  });
});
