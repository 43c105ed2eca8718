import { atLeast, atMost, equal, matches } from '../compare.js';
import type { Suite } from '../suite.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientFixture } from './fixture.js';

/** Declares the checks of PROTOCOL.md, sections 18 and 19. */
export function declareDisconnectChecks({ it }: Suite, fixture: ClientFixture): void {
  it('answers pings with their payload (18.2)', async () => {
    const connection = await fixture.connect();
    for (const data of ['', 'ping', 'x'.repeat(125)]) {
      connection.ws.ping(data);
      equal(await connection.pongs.take(), data);
    }
  });

  it('disconnects with 1000, and does not reconnect (18.4)', async () => {
    const connection = await fixture.connect();
    fixture.client.do({ do: 'disconnect' });
    equal(await connection.closed.take(), { code: 1000 });
    matches(await fixture.client.reports.next('closed'), { code: 1000, returns: false });
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
  ])('closed with %s: reconnects: %s (18.4, 19.1, 19.2)', async (code, returns) => {
    const connection = await fixture.connect();
    fixture.client.do({ do: 'ask', key: 'open', event: 'sum' });
    await connection.next('sum');
    connection.ws.close(code, 'because');
    matches(await fixture.client.reports.next('closed'), { code, returns });
    // open requests fail
    equal('data' in Object(await fixture.client.reports.next('failed', 'open')), false);
    equal(await connection.closed.take(), { code });
    if (code === 1001 || code === 4401) await fixture.server.connection();
  });

  it('does not reconnect, and reports no connection, when refused after the upgrade and before $session (4.2, 4.3, 4.4)', async () => {
    fixture.client.do({ do: 'connect', url: fixture.server.url });
    const connection = await fixture.server.connection();
    connection.send({ event: 'said', data: 'by the check' });
    connection.send({ event: 'exception', data: { status: 'error', code: 'refused', message: 'bad token' } });
    connection.ws.close(1008, 'bad token');
    matches(await fixture.client.reports.next('closed'), { code: 1008, returns: false });
    equal(await connection.closed.take(), { code: 1008 });
    equal(fixture.client.reports.open, []);
  });

  it('reconnects after a connection that ended without a close frame (18.4)', async () => {
    const connection = await fixture.connect();
    connection.ws.terminate();
    matches(await fixture.client.reports.next('closed'), { code: 1006, returns: true });
    await fixture.server.connection();
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
  ])('refused with %s: reconnects: %s (19.1, 19.2)', async (status, returns) => {
    fixture.server.refusal = { status };
    fixture.client.do({ do: 'connect', url: fixture.server.url });
    matches(await fixture.client.reports.next('closed'), { status, returns });
  });

  it.each([[1011], [1013]])('reconnects after a longer pause after %s (19.4)', async (code) => {
    const connection = await fixture.connect();
    connection.ws.close(code);
    matches(await fixture.client.reports.next('closed'), { code, returns: true });
    await sleep(1_000);
    equal(fixture.server.attempts, 1);
  });

  it('waits longer after each failed attempt (19.3)', async () => {
    fixture.server.refuseAll = 503;
    fixture.client.do({ do: 'connect', url: fixture.server.url });
    await fixture.client.reports.next('closed');
    // pauses begin below 100 ms and double: some ten attempts, or more with short random pauses
    for (let waited = 0; waited < 3_000 && fixture.server.attempts < 25; waited += 100) await sleep(100);
    atMost(fixture.server.attempts, 25, true);
  });

  it('sends nothing after its own close frame (18.3)', async () => {
    const connection = await fixture.connect();
    fixture.client.do({ do: 'disconnect' });
    fixture.client.do({ do: 'emit', event: 'late' });
    fixture.client.do({ do: 'ask', key: 'late', event: 'late' });
    await connection.closed.take();
    equal(connection.frames.open, []);
  });

  it('sends nothing after its answer to a close frame (18.3)', async () => {
    const connection = await fixture.connect();
    connection.ws.close(1001);
    fixture.client.do({ do: 'emit', event: 'said', data: 'possibly before the close frame' });
    await connection.closed.take();
    equal(connection.violations, []);
  });

  it('waits for Retry-After before it reconnects (19.4)', async () => {
    fixture.server.refusal = { status: 503, headers: { 'Retry-After': '1' } };
    fixture.client.do({ do: 'connect', url: fixture.server.url });
    matches(await fixture.client.reports.next('closed'), { status: 503, returns: true });
    await fixture.server.connection();
    const [refused = 0, next = 0] = fixture.server.attemptTimes;
    atLeast(next - refused, 1_000);
  });
}
