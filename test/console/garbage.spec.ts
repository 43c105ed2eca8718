import type { EnvelopeServer } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { Bus } from '../support/bus.js';
import { until } from '../support/wait.js';
import { Admin, ChatGateway, connectMember, startConsole } from './console-fixture.js';
import { waitLongInEach } from './patience.js';

const PATH = '/ws-docs/console/live';

/** A question of a console to the others. */
interface Question {
  id: string;
  from: string;
  operation: string;
}

const GARBAGE: readonly unknown[] = [
  undefined,
  null,
  7,
  'text',
  [],
  [[]],
  {},
  { rows: 'all', more: true, total: Number.MAX_VALUE, entries: 7, namespaces: {}, counts: [], node: 'x' },
  { rows: [null, 7, [], { id: 7, namespace: {}, user: [], name: null, size: 'x', at: 'now' }] },
  {
    rows: Array(300).fill({
      id: 'x'.repeat(2_000),
      name: 'x'.repeat(2_000),
      address: 'x'.repeat(2_000),
      size: 1,
    }),
    more: 1,
  },
  { namespaces: [{ route: 7, rates: 'x' }, null], counts: { disconnects: [{}, null, { name: 7 }] } },
  { node: { name: '<b>', broker: { state: 'evil', nodes: '9' }, load: null }, more: -1 },
];

/** A node without a console, whose server on the console's path answers whatever the test says. */
async function startStranger(bus: Bus, answer: (question: Question) => unknown): Promise<EnvelopeServer> {
  const app = await startApp({ providers: [ChatGateway] }, { adapter: { adapter: bus.adapter } });
  const server = app.nest.get(ChatGateway).server.of(PATH);
  server.on('console:ask', (question: Question) => {
    const { id, from } = question;
    server.serverSideEmit('console:tell', { id, to: from, from: 'stranger', value: answer(question) });
  });
  return server;
}

describe('garbage on the channels of the console', () => {
  waitLongInEach();
  const bus = new Bus();
  let app: TestApp;
  let admin: Admin;

  beforeEach(async () => {
    app = await startConsole({}, { adapter: { adapter: bus.adapter } });
    admin = await Admin.connect(app);
  });

  it.each(GARBAGE.map((value, index) => [index, value]))(
    'in answers is no part of a page (%i)',
    async (_, value) => {
      await startStranger(bus, () => value);
      const { id } = await connectMember(app, { rooms: 'red', user: 'bob' });
      await until('the stranger', async () => (await admin.ask('overview')).nodes.length === 2);
      const overview = await admin.ask('overview');
      expect(JSON.stringify(overview).length).toBeLessThan(20_000);
      for (const node of overview.nodes) {
        expect(typeof node.name).toBe('string');
        expect(['alone', 'connected', 'away']).toContain(node.broker.state);
        expect([node.broker.nodes, node.load, node.rss].every(Number.isFinite)).toBe(true);
      }
      const { rows } = await admin.ask('connections', { limit: 100 });
      expect(rows.filter(({ node }) => node !== 'stranger').map((row) => row.id)).toEqual([id]);
      expect(rows.every((row) => row.id.length <= 64 && Number.isFinite(row.buffered))).toBe(true);
      const rooms = await admin.ask('rooms', { namespace: '/ws', limit: 100 });
      expect(rooms.rows.find(({ name }) => name === 'red')).toEqual({ name: 'red', size: 1 });
      await admin.ask('rooms', { namespace: '/ws', order: 'size' });
      const blocks = await admin.ask('blocks', { limit: 100 });
      expect(blocks.rows.every(({ name, until: end }) => name.length <= 1_000 && Number.isFinite(end))).toBe(
        true,
      );
      for (const order of ['address', 'rate', 'count'] as const) {
        const { rows: refused } = await admin.ask('refusals', { limit: 100, order });
        expect(refused.every((row) => row.address.length <= 64 && Number.isFinite(row.rate))).toBe(true);
      }
      await admin.ask('connections', { order: 'rate' });
      await admin.ask('audit');
      expect(app.log.of('error')).toEqual([]);
    },
  );

  it('in questions is not answered, and breaks nothing', async () => {
    const server = await startStranger(bus, () => ({}));
    const { id } = await connectMember(app);
    const { node } = await admin.ask('hello');
    for (const value of GARBAGE) {
      server.serverSideEmit('console:ask', value);
      server.serverSideEmit('console:tell', value);
      server.serverSideEmit('console:leave', value);
      const question = { id: 'q', from: 'stranger' };
      for (const operation of [
        'connections',
        'rooms',
        'blocks',
        'roomSizes',
        'refusals',
        'refusalsOf',
        'frames',
        'details',
        'act',
        'x',
        '__proto__',
      ])
        server.serverSideEmit('console:ask', { ...question, operation, data: value });
      server.serverSideEmit('console:ask', { ...question, operation: value });
      server.serverSideEmit('console:tell', { ...question, to: node, value, failure: value });
    }
    await until('the stranger', async () => (await admin.ask('overview')).nodes.length === 2);
    expect((await admin.ask('connections', {})).rows).toMatchObject([{ id }]);
    expect(app.log.of('error')).toEqual([]);
  });
});
