import type { EnvelopeServer } from '../../../lib/index.js';
import { Child } from '../../support/child.js';
import { record, unwrap, type Outcome } from '../../support/cluster/chain.js';
import type { ClusterNode } from '../../support/cluster/node.js';
import { fresh, idsOf, type Cases } from './cases.js';

/** `@socket.io/redis-emitter` speaks, and hears nothing. */
type Speaker = Pick<ClusterNode, 'server'>;

function speakerOf(child: Child): Speaker {
  return {
    async server<Result>(chain: (server: EnvelopeServer) => Result, path = '/ws'): Promise<Awaited<Result>> {
      const outcome = await child.ask<Outcome>('perform', path, record(chain));
      return unwrap(outcome) as Awaited<Result>;
    },
  };
}

export const emitter: Cases = (cluster, { emitter: library }) => {
  describe('a process without sockets, with @socket.io/redis-emitter', () => {
    let child: Child;
    let speaker: Speaker;
    beforeAll(async () => {
      const settings = { url: cluster.broker!.url, library };
      child = await Child.start('redis-emitter', { settings, isShared: true });
      speaker = speakerOf(child);
    });
    afterAll(() => child.kill());

    it('emits to all, to a room, to several, to one client, and to all but some', async () => {
      const [red, blue] = [fresh('red'), fresh('blue')];
      const reds = await cluster.joinEach([red]);
      const [, , far] = await cluster.joinEach([red, blue]);
      await speaker.server((server) => server.emit('news', 'all'));
      await speaker.server((server) => server.to(blue).emit('news', 'blue'));
      await speaker.server((server) => server.to([red, blue]).emit('news', 'both'));
      await speaker.server((server) => server.in(far.id).emit('news', 'far'));
      await speaker.server((server) => server.except(blue).emit('news', 'but blue'));
      await speaker.server((server) => server.to(red).except([blue, reds[0].id]).emit('news', 'some'));
      await speaker.server((server) => server.volatile.emit('news', 'volatile'));
      const told = (await cluster.got(speaker, [...reds, far])).map((frames) =>
        frames.map(({ data }) => data as string).join(),
      );
      expect(told).toEqual([
        'all,both,but blue,volatile',
        'all,both,but blue,some,volatile',
        'all,both,but blue,some,volatile',
        'all,blue,both,far,volatile',
      ]);
    });

    it('emits to a room whose name is a number', async () => {
      const members = await cluster.joinEach([12]);
      await speaker.server((server) => server.to(12 as never).emit('news'));
      expect(await cluster.got(speaker, members)).toEqual(Array(3).fill([{ event: 'news' }]));
    });

    it('emits nothing, and falsy values', async () => {
      const members = await cluster.joinEach();
      await speaker.server((server) => server.emit('bare'));
      for (const value of [null, 0, '', false, { ä: ['🚀'] }])
        await speaker.server((server) => server.emit('value', value));
      for (const frames of await cluster.got(speaker, members))
        expect(frames).toStrictEqual([
          { event: 'bare' },
          ...[null, 0, '', false, { ä: ['🚀'] }].map((data) => ({ event: 'value', data })),
        ]);
    });

    it('emits several arguments: they arrive as an array, as from a server', async () => {
      const members = await cluster.joinEach();
      await speaker.server((server) => server.emit('several', 1, null, 'three'));
      for (const frames of await cluster.got(speaker, members))
        expect(frames).toStrictEqual([{ event: 'several', data: [1, null, 'three'] }]);
    });

    it('speaks to one namespace', async () => {
      const main = await cluster.joinEach();
      const other = await cluster.joinEach([], { path: '/ws/other' });
      await speaker.server((server) => server.emit('news', 'other'), '/ws/other');
      const heard = await cluster.got(speaker, other, '/ws/other');
      expect(heard).toEqual(Array(3).fill([{ event: 'news', data: 'other' }]));
      expect(await cluster.got(speaker, main)).toEqual([[], [], []]);
    });

    it('has sockets join and leave rooms', async () => {
      const [one] = cluster.three;
      const [red, blue] = [fresh('red'), fresh('blue')];
      const members = await cluster.joinEach([red]);
      await cluster.joinEach();
      await speaker.server((server) => server.in(red).socketsJoin(blue));
      await speaker.server((server) => server.in(members[2].id).socketsLeave(red));
      // requests and broadcasts come on different channels, of one line
      await cluster.got(speaker, members);
      expect(idsOf(await one.fetch((server) => server.in(blue)))).toEqual(idsOf(members));
      expect(idsOf(await one.fetch((server) => server.in(red)))).toEqual(idsOf(members.slice(0, 2)));
    });

    it('disconnects sockets; what it emitted before arrives', async () => {
      const [one] = cluster.three;
      const room = fresh('room');
      const members = await cluster.joinEach([room]);
      const others = await cluster.joinEach();
      await speaker.server((server) => server.to(room).emit('goodbye'));
      await speaker.server((server) => server.in(room).disconnectSockets(true));
      for (const { client } of members) {
        expect(await client.ended()).toMatchObject({ code: 1000 });
        expect(client.frames).toEqual([{ event: 'goodbye' }]);
      }
      expect(idsOf(await one.fetch())).toEqual(idsOf(others));
    });

    it('speaks to the servers of all nodes', async () => {
      const members = await cluster.joinEach();
      await speaker.server((server) => server.serverSideEmit('note', 'from outside'));
      for (const { client, node } of members)
        expect((await client.next('noted')).data).toEqual({ node: node.name, data: 'from outside' });
    });
  });
};
