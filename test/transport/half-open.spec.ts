import { execFileSync } from 'node:child_process';
import { Child } from '../support/child.js';
import type { Figures, FlowSettings } from '../support/child/flow-server.js';

const INTERVAL = 1_000;
const TIMEOUT = 1_500;
const TURN = INTERVAL / 25;
/** The delay that a busy machine may add, in milliseconds. */
const SLACK = 1_500;

const options = { pingInterval: INTERVAL, pingTimeout: TIMEOUT };

/** Returns the milliseconds until the server disconnects its client. */
async function timeToDetect(server: Child, cut: () => void): Promise<number> {
  const start = performance.now();
  cut();
  expect(await server.waitFor('left')).toEqual(['1006 ping timeout']);
  return performance.now() - start;
}

function expectOnTime(milliseconds: number): void {
  // The unanswered ping may have been sent just before the cut.
  expect(milliseconds).toBeGreaterThan(TIMEOUT - TURN - 50);
  expect(milliseconds).toBeLessThan(INTERVAL + TIMEOUT + TURN + SLACK);
}

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });

/** Creates a network namespace and the two ends of a virtual cable. */
function createNetwork(name: string) {
  const [here, there] = [`eh${process.pid}`, `et${process.pid}`];
  const net = `10.213.${process.pid % 250}`;
  ip('netns', 'add', name);
  ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', name);
  ip('addr', 'add', `${net}.1/30`, 'dev', here);
  ip('link', 'set', here, 'up');
  ip('-n', name, 'addr', 'add', `${net}.2/30`, 'dev', there);
  ip('-n', name, 'link', 'set', there, 'up');
  return { host: `${net}.1`, drop: () => void ip('-n', name, 'route', 'add', 'blackhole', `${net}.1/32`) };
}

const NAME = `envelope-${process.pid}`;

/** Returns whether this process may create network namespaces. That takes root, and not every container allows it. */
function canCreateNetworks(): boolean {
  try {
    ip('netns', 'add', NAME);
    ip('netns', 'del', NAME);
    return true;
  } catch {
    return false;
  }
}

declare const HTTP_PLATFORM: 'express' | 'fastify';
// Separate processes are expensive, and the HTTP platform does not matter here.
const once = HTTP_PLATFORM === 'express' ? describe : describe.skip;

once('a client that vanishes without closing the connection', () => {
  it('is disconnected within pingInterval + pingTimeout when its process stops, without affecting others', async () => {
    const settings: FlowSettings = { options };
    const server = await Child.start('flow-server', { settings });
    const [lost, other] = [await Child.start('probe-client'), await Child.start('probe-client')];
    const port = await server.ask<number>('port');
    await lost.ask('connect', port);
    await other.ask('connect', port);
    expectOnTime(await timeToDetect(server, () => lost.signal('SIGSTOP')));
    expect((await server.ask<Figures>('figures')).sockets).toBe(1);
    expect(server.valuesOf('left')).toHaveLength(1);
  });

  // Without a network namespace, no route can be dropped.
  (canCreateNetworks() ? it : it.skip)(
    'is disconnected within pingInterval + pingTimeout when its route is dropped',
    async () => {
      const { host, drop } = createNetwork(NAME);
      try {
        const settings: FlowSettings = { options, host };
        const server = await Child.start('flow-server', { settings });
        const lost = await Child.start('probe-client', { under: ['ip', 'netns', 'exec', NAME] });
        await lost.ask('connect', await server.ask<number>('port'), host);
        expectOnTime(await timeToDetect(server, drop));
        const { sockets, handles } = await server.ask<Figures>('figures');
        expect([sockets, handles]).toEqual([0, 0]);
      } finally {
        ip('netns', 'del', NAME);
      }
    },
  );
});
