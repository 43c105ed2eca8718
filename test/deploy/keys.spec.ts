import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { parse, parseAllDocuments } from 'yaml';
import { COMPOSE, KUBERNETES, misfits, PM2_APP, TRAEFIK, type Shape } from './known-keys.js';

const FOLDER = join(process.cwd(), 'docs/deploy');
const read = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');

interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: { rules: { backendRefs: { name: string; port: number }[] }[]; ports: { port: number }[] };
}
const resources = (file: string): Resource[] =>
  parseAllDocuments(read(file)).map((document) => {
    expect([...document.errors, ...document.warnings]).toEqual([]);
    return document.toJS() as Resource;
  });

describe('the keys in docs/deploy', () => {
  it.each(['kubernetes.yaml', 'kubernetes-gateway.yaml'])('of %s are those of Kubernetes', (file) => {
    for (const resource of resources(file)) {
      const { apiVersion, shape } = KUBERNETES[resource.kind]!;
      expect(resource.apiVersion).toBe(apiVersion);
      expect(misfits(resource, shape)).toEqual([]);
    }
  });

  it('lead from the route of the gateway to the Service', () => {
    const [{ spec: route }] = resources('kubernetes-gateway.yaml') as [Resource];
    const service = resources('kubernetes.yaml').find(({ kind }) => kind === 'Service')!;
    const { name } = service.metadata;
    expect(route.rules[0]!.backendRefs).toEqual([{ name, port: service.spec.ports[0]!.port }]);
  });

  it.each<[string, Shape]>([
    ['traefik/traefik.yaml', TRAEFIK.fixed],
    ['traefik/dynamic.yaml', TRAEFIK.dynamic],
    ['compose.yaml', COMPOSE],
  ])('of %s are those of its tool', (file, shape) => {
    expect(misfits(parse(read(file), { merge: true }), shape)).toEqual([]);
  });

  it('of ecosystem.config.cjs are those of pm2', () => {
    const { apps } = createRequire(import.meta.url)(join(FOLDER, 'ecosystem.config.cjs')) as {
      apps: unknown[];
    };
    expect(misfits(apps, [PM2_APP])).toEqual([]);
  });

  it('are checked: a misspelt, misplaced or mistyped one is found', () => {
    const [deployment] = resources('kubernetes.yaml');
    const text = JSON.stringify(deployment);
    const wrong = (change: (text: string) => string): string[] =>
      misfits(JSON.parse(change(text)), KUBERNETES['Deployment']!.shape);
    expect(wrong((given) => given.replace('preStop', 'prestop'))).toEqual([
      '.spec.template.spec.containers[0].lifecycle.prestop is unknown',
    ]);
    expect(wrong((given) => given.replace('"terminationGracePeriodSeconds":40', '"x":1'))).toEqual([
      '.spec.template.spec.x is unknown',
    ]);
    expect(wrong((given) => given.replace('"replicas":2', '"replicas":"2"'))).toEqual([
      '.spec.replicas is no number',
    ]);
    expect(wrong((given) => given.replace('"image":', '"images":'))).toHaveLength(2);
  });
});
