import { Child } from '../support/child.js';
import type { Figures, FlowSettings } from '../support/child/flow-server.js';
import type { ReaderReport } from '../support/child/readers.js';
import { startBareApp } from '../support/bare-gateway.js';
import { OP, RawClient } from '../support/raw-client.js';

const INTERVAL = 1_000;
/** One round of pings is spread over this number of turns. */
const TURNS = 25;

/** Answers `count` pings. */
async function answerPings(raw: RawClient, count: number): Promise<void> {
  for (let answered = 0; answered < count; answered++) {
    expect((await raw.frame()).opcode).toBe(OP.ping);
    raw.send({ opcode: OP.pong });
  }
}

declare const HTTP_PLATFORM: 'express' | 'fastify';
// Separate processes are expensive, and the HTTP platform does not matter here.
const once = HTTP_PLATFORM === 'express' ? describe : describe.skip;

once('the heartbeat of many clients', () => {
  it('pings a few clients no more often than once in each pingInterval', async () => {
    const { app, server } = await startBareApp({ pingInterval: 300 });
    const start = performance.now();
    const few = [
      await RawClient.connect(app.port, '/ws'),
      await RawClient.connect(app.port, '/ws'),
      await RawClient.connect(app.port, '/ws'),
    ];
    const count = 4;
    await Promise.all(few.map((raw) => answerPings(raw, count)));
    // Counted from before the connection: a busy machine, which delivers the first ping late, only makes it longer. A turn is
    // 20 ms.
    expect(performance.now() - start).toBeGreaterThan((count - 1) * 250);
    expect(server.sockets.size).toBe(3);
  });

  it('uses one timer for each path, regardless of the number of clients, and spreads the pings', async () => {
    const options = { pingInterval: INTERVAL, pingTimeout: 60_000 };
    const server = await Child.start('flow-server', { settings: { options } satisfies FlowSettings });
    const readers = await Child.start('readers');
    const port = await server.ask<number>('port');
    const idle = await server.ask<Figures>('figures');
    const names = [...Array(20).keys()].map((number) => `/rooms/${number}`);
    await readers.ask('connect', { port, count: 200 });
    for (const path of names) await readers.ask('connect', { port, count: 10, path });
    expect((await server.ask<Figures>('figures')).timers).toBe(idle.timers);

    // Three rounds, counted from the time when all clients are connected.
    const start = (await server.ask<number[]>('pings')).length;
    const before = await readers.ask<ReaderReport[]>('reports');
    const pingsSince = async (): Promise<number[]> => (await server.ask<number[]>('pings')).slice(start);
    const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
    while (sum(await pingsSince()) < 3 * 400) await new Promise((resolve) => setTimeout(resolve, 50));
    const pings = await pingsSince();
    const reports = await readers.ask<ReaderReport[]>('reports');
    // The turns of both paths may coincide.
    expect(Math.max(...pings)).toBeLessThanOrEqual(2 * Math.ceil(200 / TURNS));
    const each = reports.map((report, index) => report.pings - before[index]!.pings);
    expect(reports.filter(({ isOver }) => isOver)).toEqual([]);
    expect(each).toHaveLength(400);
    expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(2);
    expect(Math.min(...each)).toBeGreaterThanOrEqual(2);
    expect((await server.ask<Figures>('figures')).timers).toBe(idle.timers);
  });
});
