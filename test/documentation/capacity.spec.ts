import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

interface Load {
  nodes: number;
  cpu: number;
  redis: number;
  blocked: [what: string, times: number][];
}
interface Planner {
  DEFAULTS: Record<string, unknown>;
  nodesOfRoom(room: number, nodes: number): number;
  plan(given: Record<string, unknown>): Load;
}

const PLANNER = join(process.cwd(), 'docs/capacity/planner.mjs');
const run = (...args: string[]): string =>
  execFileSync(process.execPath, [PLANNER, ...args], { encoding: 'utf8', stdio: 'pipe' });
const cells = (table: string): string[][] =>
  table
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.includes('---'))
    .map((line) => line.split('|').map((cell) => cell.trim()));

let planner: Planner;
beforeAll(async () => {
  planner = (await import(PLANNER)) as Planner;
});

const page = readFileSync(join(process.cwd(), 'docs/capacity.md'), 'utf8');

it('docs/capacity.md has the table of the planner', () => {
  const table = page.slice(page.indexOf('## Which limit comes first'), page.indexOf('The table is'));
  expect(cells(table)).toEqual(cells(run('--table')));
});

it('docs/capacity.md has each option with its default', () => {
  const options = page.slice(page.indexOf('| option'), page.indexOf('## The arithmetic'));
  const documented = cells(options)
    .slice(1)
    .map(([, name, value]) => {
      const text = value!.replaceAll('`', '').replaceAll(',', '');
      return [name!.slice(3, -1), text === 'no' ? false : Number.isNaN(Number(text)) ? text : Number(text)];
    });
  expect(Object.fromEntries(documented)).toEqual(planner.DEFAULTS);
});

it('counts the nodes of a room as a simulation does', () => {
  let state = 7;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (const [room, nodes] of [
    [20, 50],
    [5, 3],
    [200, 65],
  ] as const) {
    let reached = 0;
    for (let i = 0; i < 2_000; i++)
      reached += new Set(Array.from({ length: room }, () => Math.floor(random() * nodes))).size;
    expect(reached / 2_000 / planner.nodesOfRoom(room, nodes)).toBeCloseTo(1, 1);
  }
});

it('never needs fewer nodes for more connections, and names what is full', () => {
  for (const adapter of ['classic', 'sharded', 'streams']) {
    const sizes = [1_000, 30_000, 100_000, 300_000].map((connections) =>
      planner.plan({ connections, adapter }),
    );
    const nodes = sizes.map((size) => size.nodes);
    expect(nodes).toEqual([...nodes].sort((a, b) => a - b));
    for (const { cpu, redis, blocked } of sizes) {
      expect(cpu).toBeLessThanOrEqual(0.5);
      expect(redis).toBeLessThanOrEqual(0.5);
      expect(blocked).toEqual([]);
    }
  }
  const { blocked } = planner.plan({ connections: 1e7, adapter: 'classic' });
  expect(blocked.map(([what]) => what)).toContain('CPU of Redis');
});

it.each([
  [['--connections', 'many'], '--connections many is not a number above 0'],
  [['--adapter', 'nats'], '--adapter nats: use classic, sharded, streams'],
  [['--conections', '1'], "Unknown option '--conections'"],
])('refuses %p', (args, message) => {
  const { status, stderr } = spawnSync(process.execPath, [PLANNER, ...args], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
});
