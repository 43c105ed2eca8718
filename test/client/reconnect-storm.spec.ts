import { FaultyNetwork } from '../support/faulty-network.js';
import { until } from '../support/wait.js';
import { behind, client, next, startTalk } from './fixture.js';

const CLIENTS = 100;
/** Milliseconds. */
const PAUSES = { reconnectionDelay: 500, reconnectionDelayMax: 2_000 };
const AWAY = 1_200;
const INTERVAL = 100;

/** Attempts in each interval since a time. */
function perInterval(line: FaultyNetwork, since: number): number[] {
  const counts: (number | undefined)[] = [];
  for (const time of line.attempts) {
    if (time < since) continue;
    const interval = Math.floor((time - since) / INTERVAL);
    counts[interval] = (counts[interval] ?? 0) + 1;
  }
  return Array.from(counts, (count = 0) => count);
}

function show(title: string, counts: readonly number[]): void {
  const rows = counts.map(
    (count, i) => `${String(i * INTERVAL).padStart(6)} ms ${String(count).padStart(4)} ${'#'.repeat(count)}`,
  );
  process.stderr.write(`${title}\n${rows.join('\n')}\n`);
}

describe(`${CLIENTS} clients whose server goes away and comes back`, () => {
  it('come back, all of them, in time, and never all at once', async () => {
    const { app, url, line } = await behind(await startTalk());
    const sockets = Array.from({ length: CLIENTS }, () => client(url, PAUSES));
    await Promise.all(sockets.map((socket) => next(socket, 'connect')));
    const ends = Promise.all(sockets.map((socket) => next(socket, 'disconnect')));
    // while it shuts down it would ask those who come too early for five seconds
    line.isRefusing = true;
    await app.close();
    for (const end of await ends)
      expect(end).toMatchObject(['transport close', { code: 1001, willReconnect: true }]);
    const gone = performance.now();
    const asked = sockets.map((socket, i) => socket.emitWithAck('sum', [i, 1]));
    await new Promise((resolve) => setTimeout(resolve, AWAY));
    const again = await startTalk();
    line.target = again.app.port;
    line.isRefusing = false;
    const back = performance.now();
    const sums = await Promise.all(asked);
    const took = performance.now() - back;
    expect(sums).toEqual(sockets.map((_, i) => i + 1));
    await until('all are there', () => again.talk.server.clients.size === CLIENTS);
    expect(again.talk.clients.length).toBe(CLIENTS);

    const counts = perInterval(line, gone);
    show(
      `${CLIENTS} clients, attempts after their server went away (back after ${Math.round(back - gone)} ms)`,
      counts,
    );
    // The first pauses are spread over 500 ms, a fifth of the clients in each interval, later ones over more. Without chance
    // there would be an interval for all of them, and a few with any. (What a busy machine holds up comes all at once.)
    expect(Math.max(...counts)).toBeLessThan(CLIENTS * 0.9);
    expect(counts.filter((count) => count > 0).length).toBeGreaterThan(counts.length / 2);
    // attempts become rarer: with the first pause again and again there would be some five of each client already
    const early = counts.slice(0, AWAY / INTERVAL).reduce((sum, count) => sum + count, 0);
    expect(early).toBeLessThan(CLIENTS * 4);
    // one that had just failed waits for two seconds at most; the rest is what a busy machine takes
    expect(took).toBeLessThan(PAUSES.reconnectionDelayMax + 1_500);
  });
});
