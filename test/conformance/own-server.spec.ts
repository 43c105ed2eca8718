import type { Limits } from '../../lib/index.js';
import type { TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';
import { startFixture } from './fixture.js';

/** The checks of PROTOCOL.md that need more than a URL: a server at its limit, and one that shuts down. */
describe('our own server', () => {
  let app: TestApp;
  const clients: TestClient[] = [];
  const start = async (limits?: Limits): Promise<TestClient> => {
    app = await startFixture(limits);
    const client = new TestClient(app.url('/protocol'));
    clients.push(client);
    await client.opened();
    return client;
  };
  afterEach(async () => {
    for (const client of clients.splice(0)) client.ws.terminate();
    await app.close();
  });

  it('refuses new messages with going_away during a shutdown, finishes open requests, and closes with 1001', async () => {
    const client = await start();
    client.send({ event: 'ask', data: 'well?', id: 'open' });
    const { id } = await client.next('question');
    const closing = app.nest.close();
    await until('the shutdown', async () => (await client.ask('echo', 'x')).event === 'exception');
    const refused = await client.ask('echo', 'secret', 7);
    expect(refused).toEqual({
      event: 'exception',
      data: { status: 'error', code: 'going_away', message: expect.not.stringContaining('secret') },
      ack: 7,
    });
    for (let times = 0; times < 12; times++) await client.ask('echo');
    expect((await client.ask('$ping')).event).not.toBe('exception');
    client.send({ ack: id!, data: 'well' });
    expect((await client.answer('open')).data).toBe('well');
    expect((await client.ended()).code).toBe(1001);
    await closing;
  });

  it.each([
    [429, { maxConnectionsPerAddress: 1 }],
    [503, { maxConnections: 1 }],
  ])('refuses a connection over the limit with %d and Retry-After', async (status, limits) => {
    await start(limits);
    const answer = await requestUpgrade(app.port, '/protocol');
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ statusCode: status, message: expect.any(String) });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });
});
