import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientFixture } from './fixture.js';

/** Declares the checks of PROTOCOL.md, sections 18 and 19. */
export function declareDisconnectChecks(fixture: ClientFixture): void {
  it('answers pings with their payload', async () => {
    const connection = await fixture.connect();
    for (const data of ['', 'ping', 'x'.repeat(125)]) {
      connection.ws.ping(data);
      expect(await connection.pongs.take()).toBe(data);
    }
  });

  it('disconnects with 1000, and does not reconnect', async () => {
    const connection = await fixture.connect();
    fixture.client.do({ do: 'disconnect' });
    expect(await connection.closed.take()).toEqual({ code: 1000 });
    expect(await fixture.client.reported('closed')).toMatchObject({ code: 1000, returns: false });
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
  ])('closed with %d: reconnects: %s', async (code, returns) => {
    const connection = await fixture.connect();
    fixture.client.do({ do: 'ask', key: 'open', event: 'sum' });
    await connection.next('sum');
    connection.ws.close(code, 'because');
    expect(await fixture.client.reported('closed')).toMatchObject({ code, returns });
    // open requests fail
    expect(await fixture.client.reported('failed', 'open')).not.toHaveProperty('data');
    expect(await connection.closed.take()).toEqual({ code });
    if (code === 1001 || code === 4401) await fixture.server.connection();
  });

  it('does not reconnect, and reports no connection, when refused after the upgrade and before $session', async () => {
    fixture.client.do({ do: 'connect', url: fixture.server.url });
    const connection = await fixture.server.connection();
    connection.send({ event: 'said', data: 'by the check' });
    connection.send({ event: 'exception', data: { status: 'error', code: 'refused', message: 'bad token' } });
    connection.ws.close(1008, 'bad token');
    expect(await fixture.client.reported('closed')).toMatchObject({ code: 1008, returns: false });
    expect(await connection.closed.take()).toEqual({ code: 1008 });
    expect(fixture.client.reports.open).toEqual([]);
  });

  it('reconnects after a connection that ended without a close frame', async () => {
    const connection = await fixture.connect();
    connection.ws.terminate();
    expect(await fixture.client.reported('closed')).toMatchObject({ code: 1006, returns: true });
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
  ])('refused with %d: reconnects: %s', async (status, returns) => {
    fixture.server.refusal = { status };
    fixture.client.do({ do: 'connect', url: fixture.server.url });
    expect(await fixture.client.reported('closed')).toMatchObject({ status, returns });
  });

  it.each([1011, 1013])('reconnects after a longer pause after %d', async (code) => {
    const connection = await fixture.connect();
    connection.ws.close(code);
    expect(await fixture.client.reported('closed')).toMatchObject({ code, returns: true });
    await sleep(1_000);
    expect(fixture.server.attempts).toBe(1);
  });

  it('waits longer after each failed attempt', async () => {
    fixture.server.refuseAll = 503;
    fixture.client.do({ do: 'connect', url: fixture.server.url });
    await fixture.client.reported('closed');
    // pauses begin below 100 ms and double: some ten attempts, or more with short random pauses
    for (let waited = 0; waited < 3_000 && fixture.server.attempts < 25; waited += 100) await sleep(100);
    expect(fixture.server.attempts).toBeLessThan(25);
  });

  it('sends nothing after its own close frame', async () => {
    const connection = await fixture.connect();
    fixture.client.do({ do: 'disconnect' });
    fixture.client.do({ do: 'emit', event: 'late' });
    fixture.client.do({ do: 'ask', key: 'late', event: 'late' });
    await connection.closed.take();
    expect(connection.frames.open).toEqual([]);
  });

  it('sends nothing after its answer to a close frame', async () => {
    const connection = await fixture.connect();
    connection.ws.close(1001);
    fixture.client.do({ do: 'emit', event: 'said', data: 'possibly before the close frame' });
    await connection.closed.take();
    expect(connection.violations).toEqual([]);
  });

  it('waits for Retry-After before it reconnects', async () => {
    fixture.server.refusal = { status: 503, headers: { 'Retry-After': '1' } };
    const before = Date.now();
    fixture.client.do({ do: 'connect', url: fixture.server.url });
    expect(await fixture.client.reported('closed')).toMatchObject({ status: 503, returns: true });
    await fixture.server.connection();
    expect(Date.now() - before).toBeGreaterThanOrEqual(1_000);
  });
}
