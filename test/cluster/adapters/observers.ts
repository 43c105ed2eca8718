import { Subject, takeUntil } from 'rxjs';
import type { ClusterNode } from '../../support/cluster/node.js';
import { uniqueName, type Cases } from './cases.js';
import { until } from '../../support/wait.js';

/** `messages()` on every node. */
export const observers: Cases = (cluster) => {
  /** Observes rooms on a node. Resolves when the other nodes reach it there. */
  async function observe(node: ClusterNode, rooms: string[], path = '/ws') {
    const seen: unknown[] = [];
    const end = new Subject<void>();
    const add = ({ event, data }: { event: string; data: unknown }): void => void seen.push([event, data]);
    await node.server((server) => server.in(rooms).messages().pipe(takeUntil(end)).subscribe(add), path);
    await node.settled();
    const stop = async (): Promise<void> => {
      end.next();
      await node.settled();
    };
    return { seen, stop };
  }

  describe('messages() of rooms', () => {
    it('are those that a member gets on each node, in order, and no others', async () => {
      const [one, two, three] = cluster.three;
      const [room, other] = [uniqueName('room'), uniqueName('room')];
      const members = await cluster.joinEach();
      const here = await observe(one, [room]);
      const both = await observe(three, [room, other]);
      await one.server((server) => server.to(room).emit('news', { at: new Date(0) }));
      await one.server((server) => server.to([room, other]).emit('both', 1, 'two'));
      await one.server((server) => server.to(other).emit('other'));
      await one.server((server) => server.except(other).emit('not other', null));
      await one.server((server) => server.to(members[0].id).emit('private', 'x'));
      await one.server((server) => server.volatile.to(room).emit('volatile', ''));
      await one.server((server) => server.to(room).local.emit('local', one.name));
      await cluster.got(one, members);
      const news = ['news', { at: '1970-01-01T00:00:00.000Z' }];
      const marker = ['marker', expect.any(Number) as number];
      const last = [['volatile', ''], ...(one === three ? [['local', one.name]] : []), marker];
      expect(here.seen).toEqual([
        news,
        ['both', [1, 'two']],
        ['not other', null],
        ['volatile', ''],
        ['local', one.name],
        marker,
      ]);
      expect(both.seen).toEqual([news, ['both', [1, 'two']], ['other', undefined], ...last]);
      await here.stop();
      await both.stop();
      await two.server((server) => server.to(room).emit('late'));
      await cluster.got(two, members);
      expect(here.seen).toHaveLength(6);
    });

    it('come to an observer on a node without members, and an observer is no socket', async () => {
      const [one, , three] = cluster.three;
      const room = uniqueName('room');
      const member = await cluster.join(one, [room]);
      const { seen, stop } = await observe(three, [room]);
      expect((await one.fetch((server) => server.in(room))).map(({ id }) => id)).toEqual([member.id]);
      const asked = one.server((server) => server.in(room).timeout(3_500).emitWithAck('sum', 1));
      const request = await member.client.next('sum');
      member.client.send({ ack: request.id, data: 2 });
      expect(await asked).toEqual([2]);
      await one.server((server) => server.in(room).socketsJoin('elsewhere'));
      await one.server((server) => server.in(room).emit('news', 1));
      await one.server((server) => server.in(room).disconnectSockets());
      await member.client.ended();
      await until('the message', async () => seen.length > 0);
      expect(seen).toEqual([['news', 1]]);
      await stop();
    });

    it('of a RegExp namespace include what is sent to all of its namespaces', async () => {
      const [one, , three] = cluster.three;
      const path = `/ws/dyn-${uniqueName('red')}`;
      const members = await cluster.joinEach([], { path });
      await cluster.waitForNodes(members, path);
      const { seen, stop } = await observe(three, ['room'], path);
      await one.server((server) => server.to('room').emit('news', 1), path);
      await one.server((server) => server.to('elsewhere').emit('news', 2), path);
      await cluster.got(one, members, path);
      expect(seen).toEqual([
        ['news', 1],
        ['marker', expect.any(Number)],
      ]);
      await stop();
    });
  });
};
