import { Child } from '../support/child.js';
import type { Disconnection } from '../support/child/shutdown-server.js';
import type { ReaderReport } from '../support/child/readers.js';

const CLIENTS = 900;
const BUCKET = 20;

/** Correlates the order of the closes with that of the connections: 1, the same; 0, unrelated; -1, the reverse. */
function correlation(times: readonly number[]): number {
  const mean = (numbers: readonly number[]): number =>
    numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const [x, y] = [(times.length - 1) / 2, mean(times)];
  const spread = (values: readonly number[], middle: number): number =>
    Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
  const together = mean(times.map((time, index) => (index - x) * (time - y)));
  return together / spread([...times.keys()], x) / spread(times, y);
}

declare const HTTP_PLATFORM: 'express' | 'fastify';
// Separate processes are expensive, and the HTTP platform does not matter here.
const once = HTTP_PLATFORM === 'express' ? describe : describe.skip;

once('SIGTERM with many clients', () => {
  it('closes them in slices, in random order', async () => {
    const [server, readers] = [await Child.start('shutdown-server'), await Child.start('readers')];
    const port = await server.ask<number>('port');
    await readers.ask('connect', { port, count: CLIENTS });
    server.signal('SIGTERM');
    await readers.waitFor('closed', CLIENTS);
    expect(await server.exited).toEqual({ code: null, signal: 'SIGTERM' });

    const reports = await readers.ask<ReaderReport[]>('reports');
    for (const { close } of reports) expect(close).toEqual({ code: 1001, reason: 'server shutting down' });
    const left = server.valuesOf('left') as Disconnection[];
    expect(left).toHaveLength(CLIENTS);
    expect(new Set(left.map(({ reason }) => reason))).toEqual(new Set(['server shutting down']));

    const times = reports.map(({ closedAt }) => closedAt!);
    const first = Math.min(...times);
    const buckets = times.map((time) => Math.floor((time - first) / BUCKET));
    const histogram = Array.from({ length: Math.max(...buckets) + 1 }, () => 0);
    for (const bucket of buckets) histogram[bucket]!++;
    process.stderr.write(`closes of ${CLIENTS} clients, each ${BUCKET} ms: ${histogram.join(' ')}\n`);
    // Nine slices with eight pauses of at least 10 ms, by the clock of the server: a client that gets no processor time sees
    // several slices at once.
    const leftAt = server.valuesOf('leftAt') as number[];
    expect(Math.max(...leftAt) - Math.min(...leftAt)).toBeGreaterThan(80);
    expect(Math.abs(correlation(times))).toBeLessThan(0.2);
  });
});
