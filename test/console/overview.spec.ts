import { until } from '../support/wait.js';
import { requestUpgrade } from '../support/upgrade.js';
import { Admin, connectMember, startConsole } from './console-fixture.js';

describe('the overview of the console', () => {
  it('has this node, its namespaces and its broker', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    await connectMember(app);
    const table = await app.connect('/tables/t-1');
    await table.settled();
    const { node: id } = await admin.ask('hello');
    const overview = await admin.ask('overview');
    expect(overview.nodes).toEqual([
      {
        id,
        name: expect.stringMatching(new RegExp(`:${process.pid}$`)) as string,
        isThis: true,
        state: 'live',
        seenAt: overview.at,
        startedAt: expect.any(Number) as number,
        connections: 2,
        broker: { state: 'alone', nodes: 1, since: expect.any(Number) as number },
        rss: expect.any(Number) as number,
        heap: expect.any(Number) as number,
        load: expect.any(Number) as number,
        admins: 1,
        readOnly: false,
        isDraining: false,
        blocks: 0,
      },
    ]);
    expect(overview.namespaces).toMatchObject([
      { route: '/tables/<t-\\d+>', nodes: 1, paths: 1, connections: 1 },
      { route: '/ws', nodes: 1, paths: 1, connections: 1, buffered: 0, slow: 0 },
    ]);
    expect(overview).toMatchObject({ unknown: 0, moreNamespaces: 0 });
  });

  it('counts connections from the start on, and messages from the first overview on', async () => {
    const app = await startConsole({}, { adapter: { limits: { maxJsonDepth: 4 } } });
    const gone = await connectMember(app);
    gone.client.close(4_001);
    await gone.client.ended();
    await requestUpgrade(app.port, '/ws', { Origin: 'https://evil.example' });
    const { client } = await connectMember(app);
    await client.ask('say', 'before');
    const admin = await Admin.connect(app);
    await until('the disconnect', async () => (await admin.ask('overview')).counts.closed === 1);
    const before = await admin.ask('overview');
    expect(before.counts).toMatchObject({
      opened: 2,
      closed: 1,
      closeCodes: [{ name: '4001', count: 1 }],
      refusedMessages: [],
      limits: [],
    });
    expect(before.counts.disconnects).toEqual([{ name: 'transport close', count: 1 }]);
    // of the whole process: other tests may have refused some
    expect(
      before.counts.refusedUpgrades.find(({ name }) => name === '403 origin')?.count,
    ).toBeGreaterThanOrEqual(1);
    client.send({ event: 'nobody takes it' });
    client.send('{"event":"say","data":[[[[[[1]]]]]]}');
    client.send('no envelope');
    await client.settled();
    const { counts } = await admin.ask('overview');
    expect(counts.refusedMessages).toEqual([
      { name: 'bad_frame', count: 1 },
      { name: 'too_deep', count: 1 },
      { name: 'unknown_event', count: 1 },
    ]);
    expect(counts.since).toBeLessThanOrEqual(counts.watchedSince);
  });
});
