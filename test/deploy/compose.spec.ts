import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { CADDY, published, ReverseProxy, type ProxyKind } from '../support/reverse-proxy.js';
import { expectOneRoom, joinTwoWorkers } from '../support/sample-cluster-client.js';
import { Sample } from '../support/sample.js';
import { freePort } from '../support/upgrade.js';

interface Services {
  node1: { build: { args: { SAMPLE: string } }; environment: { PORT: string; REDIS_URL: string } };
  proxy: { environment: { ADDRESS: string; NODES: string; HEALTH: string } };
}
const { services } = parse(readFileSync(join(process.cwd(), 'docs/deploy/compose.yaml'), 'utf8')) as {
  services: Services;
};

/** Replaces a text that occurs. */
function replace(text: string, part: string, by: string): string {
  expect(text).toContain(part);
  return text.replace(part, by);
}

/** Starts a sample with variables of the environment. */
function startWith(environment: Record<string, string>, program: string): Sample {
  const before = Object.keys(environment).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, environment);
  try {
    return Sample.start(program);
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }
}

describeWithRedis('the processes of docs/deploy/compose.yaml', () => {
  const redis = new RedisServer();
  const ports: number[] = [];
  const { node1, proxy } = services;
  beforeAll(async () => {
    await redis.start();
    const program = `sample/${node1.build.args.SAMPLE}/src/main.ts`;
    const REDIS_URL = replace(node1.environment.REDIS_URL, 'redis:6379', `127.0.0.1:${redis.port}`);
    const samples = [1, 2].map(() => startWith({ ...node1.environment, PORT: '0', REDIS_URL }, program));
    for (const sample of samples) {
      const [port] = await sample.waitForOutput(/bound 1 gateway on [^ ]+:(\d+)/);
      ports.push(Number(port));
    }
  });

  CADDY.describe('with Caddy', () => {
    it('are one room behind the proxy, which also serves the page', async () => {
      const port = await freePort();
      const { NODES, HEALTH } = proxy.environment;
      const [first, second] = ports as [number, number];
      const nodes = replace(
        replace(NODES, 'node1:3000', `127.0.0.1:${first}`),
        'node2:3000',
        `127.0.0.1:${second}`,
      );
      const kind: ProxyKind = {
        ...CADDY,
        configure: () => published('Caddyfile', []),
        env: { ADDRESS: `http://127.0.0.1:${port}`, NODES: nodes, HEALTH },
      };
      await ReverseProxy.start(kind, ports, undefined, port);
      const page = await fetch(`http://127.0.0.1:${port}/`);
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      const members = await joinTwoWorkers(`ws://127.0.0.1:${port}/ws`);
      await expectOneRoom(members);
    });
  });
});
