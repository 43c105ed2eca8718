import { socketIO } from '../../lib/socketio/index.js';
import { RecoveringClient } from '../recovery/recovery-client.js';
import { IoClient } from '../socketio-clients/io-client.js';
import { startApp } from '../support/app.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';
import { GuardedGateway, OpenGateway, recordAudit, stopRecording } from './fixture.js';

describe('EnvelopeOperations.drain', () => {
  afterEach(stopRecording);

  it('closes the connections with 1001 and the message, and refuses others with 503', async () => {
    const records = recordAudit();
    const app = await startApp({ providers: [OpenGateway] });
    const { operations } = app.adapter;
    const clients = [await app.connect('/open'), await app.connect('/open')];
    for (const client of clients) await client.settled();
    await operations.drain({ message: 'back at 4', retryAfter: 30, by: 'ada' });
    for (const client of clients)
      expect(await client.ended()).toMatchObject({ code: 1001, reason: 'back at 4' });
    expect(operations.isDraining).toBe(true);
    const { status, headers, body } = await requestUpgrade(app.port, '/open');
    expect([status, headers['retry-after']]).toEqual([503, '30']);
    expect(JSON.parse(body)).toMatchObject({ statusCode: 503, message: 'back at 4' });
    operations.endDrain({ by: 'bob' });
    expect(operations.isDraining).toBe(false);
    const again = await app.connect('/open');
    expect((await again.ask('echo', 1)).data).toBe(1);
    const details = { perSecond: 100, message: 'back at 4', clients: 2 };
    expect(records).toEqual([
      { action: 'drain', by: 'ada', at: expect.any(Number), path: undefined, target: undefined, details },
      expect.objectContaining({ action: 'drain.end', by: 'bob', details: {} }),
    ]);
    expect(app.log.of('log')).toContain(
      'Audit: drain by ada (perSecond: 100, message: "back at 4", clients: 2)',
    );
  });

  it('asks as many clients a second as it is told', async () => {
    const app = await startApp({ providers: [OpenGateway] });
    const clients = await Promise.all(Array.from({ length: 12 }, () => app.connect('/open')));
    for (const client of clients) await client.settled();
    const begin = performance.now();
    await app.adapter.operations.drain({ perSecond: 20 });
    // the first two leave at once
    expect(performance.now() - begin).toBeGreaterThan(450);
    for (const client of clients) expect((await client.ended()).code).toBe(1001);
  });

  it('lets a client go after the answer of its handler, and idle ones before', async () => {
    const app = await startApp({ providers: [GuardedGateway] });
    const gateway = app.nest.get(GuardedGateway);
    const busy = await app.connect('/ws');
    busy.send({ event: 'hold', id: 1 });
    await busy.settled();
    const idle = await app.connect('/ws');
    await idle.settled();
    const drained = app.adapter.operations.drain();
    expect((await idle.ended()).code).toBe(1001);
    expect(busy.closed).toBeUndefined();
    gateway.held.resolve();
    expect((await busy.answer(1)).data).toBe('done');
    await drained;
    expect((await busy.ended()).code).toBe(1001);
  });

  it('waits for a handler for shutdownTimeout', async () => {
    const app = await startApp({ providers: [OpenGateway] });
    const busy = await app.connect('/open');
    busy.send({ event: 'hold', id: 1 });
    await busy.settled();
    const begin = performance.now();
    await app.adapter.operations.drain();
    expect(performance.now() - begin).toBeGreaterThan(290);
    expect((await busy.ended()).code).toBe(1001);
    app.nest.get(OpenGateway).held.resolve();
  });

  it('ends at endDrain, and goes on with another rate at a second call', async () => {
    const app = await startApp({ providers: [OpenGateway] });
    const { operations } = app.adapter;
    const clients = await Promise.all(Array.from({ length: 4 }, () => app.connect('/open')));
    for (const client of clients) await client.settled();
    const slow = operations.drain({ perSecond: 0.001 });
    operations.endDrain();
    await slow;
    expect(clients.filter(({ closed }) => closed !== undefined)).toEqual([]);
    const slowAgain = operations.drain({ perSecond: 0.001 });
    const fast = operations.drain({ perSecond: 1_000 });
    await Promise.all([slowAgain, fast]);
    for (const client of clients) expect((await client.ended()).code).toBe(1001);
  });

  it('keeps the sessions of clients that recover', async () => {
    const app = await startApp({ providers: [GuardedGateway] }, { adapter: { recovery: true } });
    const ada = await new RecoveringClient({ id: 1 }).connect(app);
    await ada.settled();
    await app.adapter.operations.drain();
    expect((await ada.client.ended()).code).toBe(1001);
    app.adapter.operations.endDrain();
    expect((await ada.connect(app)).hello.recovered).toBe(true);
  });

  it('asks the clients of Socket.IO too, and refuses further ones and further namespaces', async () => {
    const app = await startApp(
      { providers: [OpenGateway, GuardedGateway] },
      { adapter: { transports: [socketIO()] } },
    );
    const url = `http://127.0.0.1:${app.port}/open`;
    const client = new IoClient(url);
    await client.connected();
    const drained = app.adapter.operations.drain();
    expect(await client.ended()).toBe('transport close');
    await drained;
    const late = new IoClient(url);
    expect(String((await late.refused()).message)).toContain('websocket error');
    late.destroy();
    client.destroy();
  });

  it('does not keep the application from closing', async () => {
    const app = await startApp({ providers: [OpenGateway] });
    const client = await app.connect('/open');
    await client.settled();
    const drained = app.adapter.operations.drain({ perSecond: 0.001 });
    await app.nest.close();
    expect((await client.ended()).code).toBe(1001);
    await drained;
    await until('no client', () => app.adapter._servers().every(({ sockets }) => sockets.size === 0));
  });

  it.each([
    [{ perSecond: 0 }, /perSecond is 0: it takes a positive number/],
    [{ retryAfter: -1 }, /retryAfter is -1: it takes seconds/],
    [{ retryAfter: Infinity }, /retryAfter is Infinity: it takes seconds/],
    [{ message: 7 }, /message is 7: it takes a text/],
    [{ rate: 7 }, /unknown option "rate"/],
  ])('refuses %j', async (options, error) => {
    const app = await startApp({ providers: [OpenGateway] });
    await expect(app.adapter.operations.drain(options as object)).rejects.toThrow(error);
    expect(app.adapter.operations.isDraining).toBe(false);
  });
});
