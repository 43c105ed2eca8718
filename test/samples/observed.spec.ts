import { connectAuction } from '../contract/golden/05-observed.js';
import { Sample } from '../support/sample.js';
import { until } from '../support/wait.js';

interface Line {
  level: string;
  message: string;
  context?: string;
}

const text = async (url: string): Promise<string> => (await fetch(url)).text();

let socket: ReturnType<typeof connectAuction> | undefined;
afterEach(() => socket?.disconnect());

describe('sample 05-observed', () => {
  it('exposes its contract, its traces, its metrics and its health', async () => {
    process.env['PORT'] = '0';
    const sample = Sample.start('sample/05-observed/src/main.ts');
    delete process.env['PORT'];
    const [url] = await sample.waitForOutput(/"Open (http:[^"]+)\/"}\n/);

    const start = await fetch(`${url!}/`);
    expect([start.url, start.status]).toEqual([`${url!}/ws-docs`, 200]);
    expect(await text(`${url!}/ws-docs`)).toContain('<!doctype html>');
    const contract = await text(`${url!}/ws-docs/asyncapi.yaml`);
    expect(contract).toMatch(/^asyncapi: 3\.0\.0\n/);
    // The explorer shows the first operation. It should not be the one that fails on purpose.
    expect(/^operations:\n +(\S+):$/m.exec(contract)![1]).toBe('auction.lots');

    socket = connectAuction(url!, { auth: 'eve' });
    const prices: unknown[] = [];
    socket.on('price', (lot) => prices.push(lot));
    expect(await socket.emitWithAck('bid', { lot: 'globe', amount: 7_000 })).toMatchObject({ price: 7_000 });
    await until('the new price', () => prices.length > 0);
    await expect(socket.emitWithAck('bid', { lot: 'globe', amount: -1 })).rejects.toMatchObject({
      data: { statusCode: 400 },
    });
    await expect(socket.emitWithAck('appraise')).rejects.toThrow('Internal server error');

    const traces = await text(`${url!}/traces`);
    // the sample bids, too: a bid that comes second is refused after it was saved
    const parents = [...traces.matchAll(/under (\w+) {2}save the bid/g)].map(([, parent]) => parent!);
    expect(traces).toMatch(new RegExp(`(${parents.join('|')}) .*bid.* ok`));
    expect(traces).toMatch(/appraise.* error/);
    const figures = await text(`${url!}/metrics`);
    expect(figures).toMatch(/appraise.* 1\n/);

    for (const page of ['health', 'ready']) expect(await text(`${url!}/${page}`)).toContain('"status":"ok"');

    const lines = sample.output.split('\n').filter((line) => line.startsWith('{'));
    const entries = lines.map((line) => JSON.parse(line) as Line);
    expect(entries.find(({ message }) => /connected from .* \(request /.test(message))).toMatchObject({
      level: 'verbose',
    });
    expect(sample.output).toContain('the appraiser is ill');

    expect((await sample.end()).signal).toBe('SIGTERM');
  });
});
