import { execFileSync } from 'node:child_process';
import { Child } from '../support/child.js';
import type { Figures, FlowSettings } from '../support/child/flow-server.js';

const INTERVAL = 1_000;
const TIMEOUT = 1_500;
const TURN = INTERVAL / 25;
/** What a busy machine may add. */
const SLACK = 1_500;

const options = { pingInterval: INTERVAL, pingTimeout: TIMEOUT };

/** Milliseconds until the server lets go of its client. */
async function timeToNotice(server: Child, cut: () => void): Promise<number> {
  const start = performance.now();
  cut();
  expect(await server.hears('left')).toEqual(['1006 ping timeout']);
  return performance.now() - start;
}

function expectOnTime(milliseconds: number): void {
  // the ping that was not answered may have gone out just before
  expect(milliseconds).toBeGreaterThan(TIMEOUT - TURN - 50);
  expect(milliseconds).toBeLessThan(INTERVAL + TIMEOUT + TURN + SLACK);
}

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });

/** A network of its own, and the two ends of a cable. */
function makeNetwork(name: string) {
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

/** Only root may make networks, and not in every container. */
function mayMakeNetworks(): boolean {
  try {
    ip('netns', 'add', NAME);
    ip('netns', 'del', NAME);
    return true;
  } catch {
    return false;
  }
}

declare const HTTP_PLATFORM: 'express' | 'fastify';
// processes of their own are dear, and the HTTP platform has no part in this
const once = HTTP_PLATFORM === 'express' ? describe : describe.skip;

once('a peer that vanishes without a word', () => {
  it('a process that stopped is let go within pingInterval + pingTimeout, and nobody else', async () => {
    const settings: FlowSettings = { options };
    const server = await Child.start('flow-server', { settings });
    const [lost, other] = [await Child.start('probe-client'), await Child.start('probe-client')];
    const port = await server.ask<number>('port');
    await lost.ask('connect', port);
    await other.ask('connect', port);
    expectOnTime(await timeToNotice(server, () => lost.signal('SIGSTOP')));
    expect((await server.ask<Figures>('figures')).sockets).toBe(1);
    expect(server.heard('left')).toHaveLength(1);
  }, 60_000);

  // without networks of its own there is no route to drop
  (mayMakeNetworks() ? it : it.skip)(
    'so is one to which the route was dropped',
    async () => {
      const { host, drop } = makeNetwork(NAME);
      try {
        const settings: FlowSettings = { options, host };
        const server = await Child.start('flow-server', { settings });
        const lost = await Child.start('probe-client', { under: ['ip', 'netns', 'exec', NAME] });
        await lost.ask('connect', await server.ask<number>('port'), host);
        expectOnTime(await timeToNotice(server, drop));
        const { sockets, handles } = await server.ask<Figures>('figures');
        expect([sockets, handles]).toEqual([0, 0]);
      } finally {
        ip('netns', 'del', NAME);
      }
    },
    60_000,
  );
});
