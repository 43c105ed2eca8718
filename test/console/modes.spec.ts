import type { ConnectionView, NodeView } from '../../lib/explorer/admin/views.js';
import { Bus } from '../support/bus.js';
import { until } from '../support/wait.js';
import { Admin, connectMember, startConsole } from './console-fixture.js';
import { waitLongInEach } from './patience.js';

/** Two nodes, of which one is read-only and shows payloads, with a client on that one. */
async function startTwo() {
  const bus = new Bus();
  const adapter = { adapter: bus.adapter };
  const [here, there] = [
    await startConsole({}, { adapter }),
    await startConsole({ readOnly: true, payloads: true }, { adapter }),
  ];
  const member = await connectMember(there, { user: 'bob', rooms: 'red' });
  const admin = await Admin.connect(here);
  await until('both nodes', async () => (await admin.ask('overview')).nodes.length === 2);
  return { here, there, member, admin };
}

const otherOf = async (admin: Admin): Promise<NodeView> =>
  (await admin.ask('overview')).nodes.find(({ isThis }) => !isThis)!;
const rowOf = async (admin: Admin): Promise<Pick<ConnectionView, 'node' | 'id'>> => {
  const { node, id } = (await admin.ask('connections', {})).rows[0]!;
  return { node, id };
};

describe('the console of nodes with other options', () => {
  waitLongInEach();

  it('shows which node is read-only, and names it where it refuses', async () => {
    const { here, there, admin, member } = await startTwo();
    expect(await admin.ask('hello')).toMatchObject({ readOnly: false, payloads: false });
    const other = await otherOf(admin);
    expect(other.readOnly).toBe(true);
    const place = await rowOf(admin);
    const why = `${other.name} is read-only: set admin.readOnly to false there`;
    for (const [event, more] of [
      ['disconnectClient', {}],
      ['join', { room: 'blue' }],
      ['leave', { room: 'red' }],
    ] as const)
      expect(await admin.refusal(event, { ...place, ...more })).toMatchObject({
        code: 'read_only',
        message: why,
      });
    const namespace = '/ws';
    expect(await admin.refusal('disconnectUser', { namespace, user: 'bob', node: place.node })).toMatchObject(
      {
        code: 'read_only',
      },
    );
    // the applications of one process share Nest's logger
    expect([here, there].flatMap(({ log }) => log.of('warn')).at(0)).toBe(
      `/ws-docs/console/live: ada (127.0.0.1): disconnect ${place.id} was not done: ${why}`,
    );
    const { entries } = await admin.ask('audit');
    expect(entries).toHaveLength(4);
    for (const { outcome, details } of entries)
      expect([outcome, (JSON.parse(details) as { why: string }).why]).toEqual(['refused', why]);
    // a user's end is the business of the node that acts, and reaches all nodes
    await member.client.settled();
    await admin.ask('disconnectUser', { namespace, user: 'bob' });
    await member.client.ended();
  });

  it('refuses every action on the page of a read-only node, also for clients of the others', async () => {
    const { here, there } = await startTwo();
    const member = await connectMember(here);
    const admin = await Admin.connect(there);
    expect(await admin.ask('hello')).toMatchObject({ readOnly: true });
    await until('both nodes', async () => (await admin.ask('overview')).nodes.length === 2);
    const { rows } = await admin.ask('connections', { filter: { id: member.id } });
    expect(await admin.refusal('disconnectClient', { node: rows[0]!.node, id: member.id })).toMatchObject({
      code: 'read_only',
    });
    await member.client.settled();
  });

  it('shows payloads of the node that allows them, and says so', async () => {
    const { admin, member } = await startTwo();
    const place = await rowOf(admin);
    await admin.ask('frames', place);
    await member.client.ask('say', 'hello');
    const { payloads, frames } = await admin.ask('frames', place);
    expect(payloads).toBe(true);
    expect(frames[0]).toMatchObject({ event: 'say', payload: expect.stringContaining('hello') as string });
  });

  it('shows a node that drains, and the number of blocks', async () => {
    const { there, admin, member } = await startTwo();
    expect(await otherOf(admin)).toMatchObject({ isDraining: false, blocks: 0 });
    there.adapter.operations.block({ user: 'eve' }, { duration: 60_000 });
    await there.adapter.operations.drain();
    expect((await member.client.ended()).code).toBe(1001);
    expect(await otherOf(admin)).toMatchObject({ isDraining: true, blocks: 1, connections: 0 });
    const { nodes } = await admin.ask('overview');
    expect(nodes.map(({ blocks }) => blocks)).toEqual([1, 1]);
    there.adapter.operations.endDrain();
    expect(await otherOf(admin)).toMatchObject({ isDraining: false });
  });
});
