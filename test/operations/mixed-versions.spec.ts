import process from 'node:process';
import { RecoveringClient } from '../recovery/recovery-client.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { until } from '../support/wait.js';
import { hasEarlierVersion, MixedNode, type Kind } from './mixed-versions.js';

// Not a failure in CI, unlike a program that is missing: a clone may have no history, as a shallow one or a copy without Git.
const describeWithHistory = hasEarlierVersion() ? describe : describe.skip;
if (!hasEarlierVersion())
  process.stderr.write('This clone does not have the commit of version 0.1: its tests are skipped\n');

describeWithRedis('nodes of version 0.1 and of this one on one Redis', () => {
  describeWithHistory('during a rolling deploy', () => {
    const redis = new RedisServer();
    let nodes: readonly [earlier: MixedNode, current: MixedNode];

    beforeAll(async () => {
      await redis.start();
      nodes = await MixedNode.startBoth(redis.url);
    });
    afterEach(async () => {
      for (const node of nodes) node.disconnectAll();
      const isEmpty = async (node: MixedNode, kind: Kind): Promise<boolean> =>
        (await node.ask<object[]>('fetch', kind)).length === 0;
      for (const kind of ['classic', 'sharded', 'streams'] as const)
        for (const node of nodes) await until('no client', () => isEmpty(node, kind));
    });

    describe.each<Kind>(['classic', 'sharded', 'streams'])('with the %s adapter', (kind) => {
      const connectBoth = () => Promise.all(nodes.map((node, index) => node.connect(kind, `user ${index}`)));

      it('send broadcasts to the clients of each other', async () => {
        const clients = await connectBoth();
        await clients[1]!.ask('join', 'red');
        for (const { name, ask } of nodes.map((node) => ({ name: node.name, ask: node.ask.bind(node) }))) {
          const data = { from: name, text: 'žluťoučký 🐎', list: [1, null, true] };
          await ask('emit', kind, null, 'all', data);
          await ask('emit', kind, 'red', 'red', data);
          await ask('toUser', kind, 'user 0', 'mine');
          for (const client of clients) expect((await client.next('all')).data).toEqual(data);
          expect((await clients[1]!.next('red')).data).toEqual(data);
          expect((await clients[0]!.next('mine')).data).toBe(1);
        }
        expect(
          clients.map(({ frames }) => frames.map(({ event }) => event).filter((event) => event === 'red')),
        ).toEqual([[], ['red', 'red']]);
      });

      it('see the sockets of each other, and use them', async () => {
        const clients = await connectBoth();
        const seen = await Promise.all(
          nodes.map((node) => node.ask<{ id: string; data: object }[]>('fetch', kind)),
        );
        const byNode = (sockets: { data: object }[]): object[] =>
          sockets.map(({ data }) => data).sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
        for (const sockets of seen)
          expect(byNode(sockets)).toEqual([{ node: 'current' }, { node: 'earlier' }]);
        const ids = Object.fromEntries(
          seen[0]!.map(({ id, data }) => [(data as { node: string }).node, id] as const),
        );
        for (const [index, node] of nodes.entries()) {
          const other = nodes[1 - index]!;
          await node.ask('remote', kind, ids[other.name]!);
          expect((await clients[1 - index]!.next('direct')).data).toBe(node.name);
        }
        await until('both in the room', async () => {
          const rooms = (await nodes[0].ask<{ rooms: string[] }[]>('fetch', kind)).map(
            (socket) => socket.rooms,
          );
          return rooms.every((names) => names.includes('by remote'));
        });
      });

      it('ask the clients and the servers of each other', async () => {
        const clients = await connectBoth();
        for (const [index, node] of nodes.entries()) {
          const asked = node.ask('ask', kind, 'question');
          for (const client of clients) {
            const { id } = (await client.next('question')) as { id?: number };
            client.send({ ack: id!, data: 'answer' });
          }
          expect(await asked).toEqual(['answer', 'answer']);
          expect(await node.ask('which', kind)).toEqual([nodes[1 - index]!.name]);
        }
      });

      it('list the same members of a room', async () => {
        const [first] = await connectBoth();
        const present = (members: string[]) => async (): Promise<boolean> =>
          (await Promise.all(nodes.map((node) => node.ask<string[]>('present', kind)))).every(
            (keys) => JSON.stringify(keys) === JSON.stringify(members),
          );
        await until('both members', present(['user 0', 'user 1']));
        first!.ws.terminate();
        await until('the other alone', present(['user 1']));
      });

      it('disconnect users from each other', async () => {
        const clients = await connectBoth();
        await nodes[0].ask('disconnectUser', kind, 'user 1');
        await nodes[1].ask('disconnectUser', kind, 'user 0');
        for (const client of clients) expect((await client.ended()).code).toBe(1000);
      });

      it('do not disturb each other with what is new', async () => {
        const [earlier, current] = nodes;
        const client = await earlier.connect(kind, 'blocked');
        await current.ask('block', kind, 'blocked');
        await current.ask('emit', kind, null, 'after', 1);
        // blocks are new: only nodes that know them apply them
        expect((await client.next('after')).data).toBe(1);
        for (const node of nodes) expect(await node.ask('dropped', kind)).toBe(0);
      });
    });

    it('let clients recover on the other version what they missed', async () => {
      for (const [index, node] of nodes.entries()) {
        const other = nodes[1 - index]!;
        const client = await new RecoveringClient({ id: `ada ${index}` }).connect(node.app('streams'));
        await client.client.ask('join', 'red');
        await client.settled();
        await client.cut();
        for (const sender of nodes) await sender.ask('emit', 'streams', 'red', `of ${sender.name}`, 1);
        await client.connect(other.app('streams'));
        expect(client.hello.recovered).toBe(true);
        expect(await client.settled()).toEqual(['of earlier', 'of current']);
        // and back again
        await client.cut();
        await other.ask('emit', 'streams', 'red', 'more', 1);
        await client.connect(node.app('streams'));
        expect(client.hello.recovered).toBe(true);
        expect((await client.settled()).at(-1)).toBe('more');
      }
    });
  });
});
