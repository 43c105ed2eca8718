import type { EnvelopeServer } from '../../../lib/index.js';
import { Child } from '../../support/child.js';
import { record, unwrap, type Outcome } from '../../support/cluster/chain.js';
import type { ClusterNode } from '../../support/cluster/node.js';
import { uniqueName, idsOf, type Cases } from './cases.js';

/** `@socket.io/redis-emitter` only sends. */
type EmitterNode = Pick<ClusterNode, 'server'>;

function emitterNode(child: Child): EmitterNode {
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
    let emitterProcess: EmitterNode;
    beforeAll(async () => {
      const settings = { url: cluster.broker!.url, library };
      child = await Child.start('redis-emitter', { settings, isShared: true });
      emitterProcess = emitterNode(child);
    });
    afterAll(() => child.kill());

    it('emits to all, to a room, to several rooms, to one client, and to all but some', async () => {
      const [red, blue] = [uniqueName('red'), uniqueName('blue')];
      const reds = await cluster.joinEach([red]);
      const [, , far] = await cluster.joinEach([red, blue]);
      await emitterProcess.server((server) => server.emit('news', 'all'));
      await emitterProcess.server((server) => server.to(blue).emit('news', 'blue'));
      await emitterProcess.server((server) => server.to([red, blue]).emit('news', 'both'));
      await emitterProcess.server((server) => server.in(far.id).emit('news', 'far'));
      await emitterProcess.server((server) => server.except(blue).emit('news', 'but blue'));
      await emitterProcess.server((server) => server.to(red).except([blue, reds[0].id]).emit('news', 'some'));
      await emitterProcess.server((server) => server.volatile.emit('news', 'volatile'));
      const received = (await cluster.got(emitterProcess, [...reds, far])).map((frames) =>
        frames.map(({ data }) => data as string).join(),
      );
      expect(received).toEqual([
        'all,both,but blue,volatile',
        'all,both,but blue,some,volatile',
        'all,both,but blue,some,volatile',
        'all,blue,both,far,volatile',
      ]);
    });

    it('emits to a room whose name is a number', async () => {
      const members = await cluster.joinEach([12]);
      await emitterProcess.server((server) => server.to(12 as never).emit('news'));
      expect(await cluster.got(emitterProcess, members)).toEqual(Array(3).fill([{ event: 'news' }]));
    });

    it('emits events without data and falsy values', async () => {
      const members = await cluster.joinEach();
      await emitterProcess.server((server) => server.emit('bare'));
      for (const value of [null, 0, '', false, { ä: ['🚀'] }])
        await emitterProcess.server((server) => server.emit('value', value));
      for (const frames of await cluster.got(emitterProcess, members))
        expect(frames).toStrictEqual([
          { event: 'bare' },
          ...[null, 0, '', false, { ä: ['🚀'] }].map((data) => ({ event: 'value', data })),
        ]);
    });

    it('emits several arguments as an array, like a server', async () => {
      const members = await cluster.joinEach();
      await emitterProcess.server((server) => server.emit('several', 1, null, 'three'));
      for (const frames of await cluster.got(emitterProcess, members))
        expect(frames).toStrictEqual([{ event: 'several', data: [1, null, 'three'] }]);
    });

    it('emits to one namespace', async () => {
      const main = await cluster.joinEach();
      const other = await cluster.joinEach([], { path: '/ws/other' });
      await emitterProcess.server((server) => server.emit('news', 'other'), '/ws/other');
      const frames = await cluster.got(emitterProcess, other, '/ws/other');
      expect(frames).toEqual(Array(3).fill([{ event: 'news', data: 'other' }]));
      expect(await cluster.got(emitterProcess, main)).toEqual([[], [], []]);
    });

    it('makes sockets join and leave rooms', async () => {
      const [one] = cluster.three;
      const [red, blue] = [uniqueName('red'), uniqueName('blue')];
      const members = await cluster.joinEach([red]);
      await cluster.joinEach();
      await emitterProcess.server((server) => server.in(red).socketsJoin(blue));
      await emitterProcess.server((server) => server.in(members[2].id).socketsLeave(red));
      // Requests and broadcasts arrive on different channels of one connection.
      await cluster.got(emitterProcess, members);
      expect(idsOf(await one.fetch((server) => server.in(blue)))).toEqual(idsOf(members));
      expect(idsOf(await one.fetch((server) => server.in(red)))).toEqual(idsOf(members.slice(0, 2)));
    });

    it('disconnects sockets after delivering what it emitted before', async () => {
      const [one] = cluster.three;
      const room = uniqueName('room');
      const members = await cluster.joinEach([room]);
      const others = await cluster.joinEach();
      await emitterProcess.server((server) => server.to(room).emit('last'));
      await emitterProcess.server((server) => server.in(room).disconnectSockets(true));
      for (const { client } of members) {
        expect(await client.ended()).toMatchObject({ code: 1000 });
        expect(client.frames).toEqual([{ event: 'last' }]);
      }
      expect(idsOf(await one.fetch())).toEqual(idsOf(others));
    });

    it('emits to the servers of all nodes', async () => {
      const members = await cluster.joinEach();
      await emitterProcess.server((server) => server.serverSideEmit('note', 'from outside'));
      for (const { client, node } of members)
        expect((await client.next('noted')).data).toEqual({ node: node.name, data: 'from outside' });
    });
  });
};
