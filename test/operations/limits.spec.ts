import { EnvelopeModule, EnvelopeOperations } from '../../lib/index.js';
import { socketIO } from '../../lib/socketio/index.js';
import { IoClient } from '../socketio-clients/io-client.js';
import { startApp, type TestApp } from '../support/app.js';
import { requestUpgrade } from '../support/upgrade.js';
import { GuardedGateway, OpenGateway, recordAudit, stopRecording } from './fixture.js';

const providers = [OpenGateway, GuardedGateway];
const rooms = (count: number): string[] => Array.from({ length: count }, (_, index) => `room ${index}`);
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

/** The codes of the answers to a burst of messages. */
async function burst(client: Awaited<ReturnType<TestApp['connect']>>, count: number) {
  const answers = await Promise.all(Array.from({ length: count }, () => client.ask('echo', 'x')));
  return answers.filter(({ event }) => event === 'exception').length;
}

describe('EnvelopeOperations.setLimits', () => {
  afterEach(stopRecording);

  it('changes the rate of open connections', async () => {
    const app = await startApp({ providers });
    const client = await app.connect('/open');
    expect(await burst(client, 30)).toBe(0);
    app.adapter.operations.setLimits({ messagesPerSecond: 1, messageBurst: 5 });
    const slow = await app.connect('/open');
    expect(await burst(slow, 30)).toBeGreaterThan(20);
    expect(await burst(client, 30)).toBeGreaterThan(20);
    app.adapter.operations.setLimits({ messagesPerSecond: false, messageBurst: undefined });
    expect((await client.ask('echo', 1)).data).toBe(1);
    app.adapter.operations.setLimits({ messagesPerSecond: undefined });
    expect(app.adapter.operations.limits).toMatchObject({ messagesPerSecond: 100, messageBurst: 1_000 });
  });

  it('changes what open connections may send and join', async () => {
    const app = await startApp({ providers });
    const client = await app.connect('/open');
    expect((await client.ask('join', rooms(3))).data).toBe(4);
    app.adapter.operations.setLimits({ maxRooms: 3, maxJsonDepth: 4, maxEventNameLength: 6 });
    expect((await client.ask('join', ['another'])).data).toMatchObject({ code: 'room_limit' });
    expect((await client.ask('echo', nested(9))).data).toMatchObject({ code: 'too_deep' });
    expect((await client.ask('long name', 1)).data).toMatchObject({ code: 'bad_event' });
    expect((await client.ask('echo', nested(2))).data).toEqual(nested(2));
  });

  it('keeps what a gateway sets itself, unless the path is named', async () => {
    const app = await startApp({ providers });
    const { operations } = app.adapter;
    operations.setLimits({ maxRooms: 3 });
    const client = await app.connect('/ws');
    expect((await client.ask('join', rooms(4))).data).toBe(5);
    expect(operations.limitsOf('/ws').maxRooms).toBe(5);
    operations.setLimits({ maxRooms: 8 }, { path: '/ws' });
    expect((await client.ask('join', ['a', 'b'])).data).toBe(7);
    expect([operations.limits.maxRooms, operations.limitsOf('/ws').maxRooms]).toEqual([3, 8]);
  });

  it('changes maxPayload for further connections, which are told', async () => {
    const app = await startApp({ providers });
    const earlier = await app.connect('/open');
    await earlier.settled();
    app.adapter.operations.setLimits({ maxPayload: 100, maxLifetime: 60_000 });
    expect((await earlier.ask('echo', 'x'.repeat(200))).data).toHaveLength(200);
    const later = await app.connect('/open', { protocols: ['envelope.v1'] });
    const session = await later.next('$session');
    expect(session.data).toMatchObject({ maxPayload: 100, expiresIn: expect.any(Number) });
    later.send({ event: 'echo', data: 'x'.repeat(200) });
    expect((await later.ended()).code).toBe(1009);
  });

  it('changes the limits for all paths together', async () => {
    const app = await startApp({ providers });
    const { operations } = app.adapter;
    const client = await app.connect('/open');
    operations.setLimits({ maxConnections: 1 });
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(503);
    operations.setLimits({ maxConnections: undefined, maxConnectionsPerAddress: 1 });
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(429);
    operations.setLimits({ maxConnectionsPerAddress: false });
    expect(operations.limits).toMatchObject({ maxConnections: 100_000, maxConnectionsPerAddress: false });
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(101);
    expect(client.closed).toBeUndefined();
  });

  it("changes the rate of Socket.IO's clients", async () => {
    const app = await startApp({ providers }, { adapter: { transports: [socketIO()] } });
    const client = new IoClient(`http://127.0.0.1:${app.port}/open`);
    await client.connected();
    expect(await client.ask('echo', 1)).toEqual([1]);
    app.adapter.operations.setLimits({ messagesPerSecond: 0.01, messageBurst: 1 });
    client.emit('echo', 1);
    client.emit('echo', 1);
    expect(await client.next('exception')).toMatchObject([{ code: 'rate_limited' }]);
    client.destroy();
  });

  it('counts for paths that are mounted later', async () => {
    const app = await startApp({ providers });
    app.adapter.operations.setLimits({ maxRooms: 2 });
    const server = app.nest.get(OpenGateway).server.of('/later', (socket) => {
      socket.on('enter', async (_: unknown, ack: (answer: unknown) => void) => {
        await Promise.resolve(socket.join(['a', 'b'])).catch((error: Error) => ack(error.name));
      });
    });
    const client = await app.connect('/later');
    expect((await client.ask('enter', 1)).data).toBe('RoomLimitError');
    expect(app.adapter.operations.limitsOf(server.name).maxRooms).toBe(2);
  });

  it('is audited, and is what EnvelopeModule provides', async () => {
    const records = recordAudit();
    const app = await startApp({ imports: [EnvelopeModule.forRoot()], providers });
    const operations = app.nest.get(EnvelopeOperations);
    expect(operations).toBe(app.adapter.operations);
    operations.setLimits(
      { maxRooms: 7, maxPayload: false, messageBurst: undefined },
      { path: '/ws', by: 'ada' },
    );
    expect(records).toEqual([
      expect.objectContaining({
        action: 'limits',
        by: 'ada',
        path: '/ws',
        details: { maxRooms: 7, maxPayload: false, messageBurst: null },
      }),
    ]);
  });

  it.each<[object, object, RegExp]>([
    [{ maxRoms: 1 }, {}, /EnvelopeOperations.setLimits: unknown limit "maxRoms". Did you mean "maxRooms"/],
    [
      { maxRooms: 0 },
      {},
      /EnvelopeOperations.setLimits: limits.maxRooms is 0: it takes a positive whole number/,
    ],
    [{ maxConnections: 1 }, { path: '/ws' }, /limits.maxConnections counts all paths together/],
    [
      { maxRooms: 1 },
      { path: '/nowhere' },
      /path is "\/nowhere": it takes a path of a gateway: \/open, \/ws/,
    ],
    [{ maxRooms: 1 }, { way: '/ws' }, /unknown option "way"/],
  ])('refuses %j with %j, and changes nothing', async (changes, options, error) => {
    const app = await startApp({ providers });
    const before = app.adapter.operations.limits;
    expect(() => app.adapter.operations.setLimits(changes, options)).toThrow(error);
    expect(app.adapter.operations.limits).toEqual(before);
  });
});
