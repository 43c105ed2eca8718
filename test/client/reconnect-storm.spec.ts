import { jest } from '@jest/globals';
import { stopClock } from '../support/clock.js';
import { FaultyNetwork } from '../support/faulty-network.js';
import { until } from '../support/wait.js';
import { behindFaultyNetwork, client, next, startServer } from './fixture.js';

const CLIENTS = 100;
/** Milliseconds. */
const PAUSES = { reconnectionDelay: 500, reconnectionDelayMax: 2_000 };
const AWAY = 1_200;
const INTERVAL = 100;
/** How much time passes at once. */
const STEP = 10;

/** Counts the connection attempts in each interval after `since`. */
function perInterval(network: FaultyNetwork, since: number): number[] {
  const counts: (number | undefined)[] = [];
  for (const time of network.attempts) {
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

/** Lets time pass until the condition holds. Attempts to connect take none, however slow the machine is. */
async function passUntil(sockets: readonly { state: string }[], holds: () => boolean): Promise<void> {
  while (!holds()) {
    jest.advanceTimersByTime(STEP);
    await until('the end of all attempts', () => sockets.every(({ state }) => state !== 'connecting'));
  }
}

describe(`${CLIENTS} clients whose server restarts`, () => {
  beforeEach(() => {
    // the network stays real
    stopClock();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('all reconnect within the maximum delay, and never all at the same time', async () => {
    const { app, url, network } = await behindFaultyNetwork(await startServer());
    const sockets = Array.from({ length: CLIENTS }, () => client(url, PAUSES));
    await Promise.all(sockets.map((socket) => next(socket, 'connect')));
    // later than their first attempts
    jest.advanceTimersByTime(STEP);
    const disconnects = Promise.all(sockets.map((socket) => next(socket, 'disconnect')));
    // A refused connection avoids the Retry-After of five seconds that a closing server sends.
    network.isRefusing = true;
    await app.close();
    for (const disconnect of await disconnects)
      expect(disconnect).toMatchObject(['transport close', { code: 1001, willReconnect: true }]);
    const disconnectedAt = performance.now();
    const asked = sockets.map((socket, i) => socket.emitWithAck('sum', [i, 1]));
    await passUntil(sockets, () => performance.now() >= disconnectedAt + AWAY);
    const again = await startServer();
    network.target = again.app.port;
    network.isRefusing = false;
    const restartedAt = performance.now();
    await passUntil(sockets, () => sockets.every(({ connected }) => connected));
    const elapsed = performance.now() - restartedAt;
    const sums = await Promise.all(asked);
    expect(sums).toEqual(sockets.map((_, i) => i + 1));
    await until('all clients are connected', () => again.gateway.server.clients.size === CLIENTS);
    expect(again.gateway.clients.length).toBe(CLIENTS);

    const counts = perInterval(network, disconnectedAt);
    show(
      `${CLIENTS} clients, attempts after their server went away (restarted after ${Math.round(restartedAt - disconnectedAt)} ms)`,
      counts,
    );
    // The first delays are spread over 500 ms, a fifth of the clients in each interval; later delays are spread further.
    // Without jitter, all clients would share one interval, and few intervals would contain any.
    expect(Math.max(...counts)).toBeLessThan(CLIENTS * 0.5);
    expect(counts.filter((count) => count > 0).length).toBeGreaterThan(counts.length / 2);
    // Attempts become rarer: with a constant first delay, each client would already have tried some five times.
    const early = counts.slice(0, AWAY / INTERVAL).reduce((sum, count) => sum + count, 0);
    expect(early).toBeLessThan(CLIENTS * 4);
    // A client that just failed waits for at most two seconds.
    expect(elapsed).toBeLessThanOrEqual(PAUSES.reconnectionDelayMax + STEP);
  });
});
