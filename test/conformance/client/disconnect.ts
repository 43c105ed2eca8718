import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './bench.js';

/** PROTOCOL.md, "Life and death of a line". */
export function leaving(bench: Bench): void {
  it('answers pings with what they carry', async () => {
    const visit = await bench.connect();
    for (const data of ['', 'are you there?', 'x'.repeat(125)]) {
      visit.ws.ping(data);
      expect(await visit.pongs.take()).toBe(data);
    }
  });

  it('says goodbye with 1000, and does not come back', async () => {
    const visit = await bench.connect();
    bench.subject.do({ do: 'disconnect' });
    expect(await visit.closed.take()).toEqual({ code: 1000 });
    expect(await bench.subject.told('closed')).toMatchObject({ code: 1000, returns: false });
  });

  it.each([
    [1000, false],
    [1001, true],
    [1002, false],
    [1007, false],
    [1008, false],
    [1009, false],
    [1011, true],
    [1013, true],
    [3000, false],
    [3999, false],
    [4000, false],
    [4401, true],
    [4409, false],
    [4999, false],
  ])('closed with %d: does it come back? %s', async (code, returns) => {
    const visit = await bench.connect();
    bench.subject.do({ do: 'ask', key: 'open', event: 'sum' });
    await visit.next('sum');
    visit.ws.close(code, 'because');
    expect(await bench.subject.told('closed')).toMatchObject({ code, returns });
    // what was asked is not answered any more
    expect(await bench.subject.told('failed', 'open')).not.toHaveProperty('data');
    expect(await visit.closed.take()).toEqual({ code });
    if (code === 1001 || code === 4401) await bench.server.visit();
  });

  it('refused after the upgrade, before $session: it was never connected, and does not come back', async () => {
    bench.subject.do({ do: 'connect', url: bench.server.url });
    const visit = await bench.server.visit();
    visit.send({ event: 'said', data: 'by the check' });
    visit.send({ event: 'exception', data: { status: 'error', code: 'refused', message: 'bad token' } });
    visit.ws.close(1008, 'bad token');
    expect(await bench.subject.told('closed')).toMatchObject({ code: 1008, returns: false });
    expect(await visit.closed.take()).toEqual({ code: 1008 });
    expect(bench.subject.reports.open).toEqual([]);
  });

  it('comes back where the line broke without a word', async () => {
    const visit = await bench.connect();
    visit.ws.terminate();
    expect(await bench.subject.told('closed')).toMatchObject({ code: 1006, returns: true });
    await bench.server.visit();
  });

  it.each([
    [400, false],
    [401, false],
    [403, false],
    [404, false],
    [408, true],
    [425, true],
    [429, true],
    [500, true],
    [502, true],
    [503, true],
  ])('refused with %d: does it come back? %s', async (status, returns) => {
    bench.server.refusal = { status };
    bench.subject.do({ do: 'connect', url: bench.server.url });
    expect(await bench.subject.told('closed')).toMatchObject({ status, returns });
  });

  it.each([1011, 1013])('comes back later than at once after %d', async (code) => {
    const visit = await bench.connect();
    visit.ws.close(code);
    expect(await bench.subject.told('closed')).toMatchObject({ code, returns: true });
    await sleep(1_000);
    expect(bench.server.attempts).toBe(1);
  });

  it('waits longer and longer while its attempts fail', async () => {
    bench.server.refusesAll = 503;
    bench.subject.do({ do: 'connect', url: bench.server.url });
    await bench.subject.told('closed');
    await sleep(1_000);
    // pauses below 20 ms that double: some eight attempts, or more where chance shortens the pauses
    expect(bench.server.attempts).toBeLessThan(25);
  });

  it('sends nothing behind its own close frame', async () => {
    const visit = await bench.connect();
    bench.subject.do({ do: 'disconnect' });
    bench.subject.do({ do: 'emit', event: 'late' });
    bench.subject.do({ do: 'ask', key: 'late', event: 'late' });
    await visit.closed.take();
    expect(visit.frames.open).toEqual([]);
  });

  it('sends nothing behind its answer to a close frame', async () => {
    const visit = await bench.connect();
    visit.ws.close(1001);
    bench.subject.do({ do: 'emit', event: 'said', data: 'maybe before it' });
    await visit.closed.take();
    expect(visit.violations).toEqual([]);
  });

  it('comes back when the server says', async () => {
    bench.server.refusal = { status: 503, headers: { 'Retry-After': '1' } };
    const before = Date.now();
    bench.subject.do({ do: 'connect', url: bench.server.url });
    expect(await bench.subject.told('closed')).toMatchObject({ status: 503, returns: true });
    await bench.server.visit();
    expect(Date.now() - before).toBeGreaterThanOrEqual(1_000);
  });
}
