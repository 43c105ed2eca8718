import { answer, uniqueName, idsOf, unless, type Cases } from './cases.js';
import { until } from '../../support/wait.js';

export const namespaces: Cases = (cluster, backend) => {
  const itUnless = unless(backend);

  describe('namespaces', () => {
    it('are separate: emits, rooms and sockets of one do not affect another', async () => {
      const [one, , three] = cluster.three;
      const room = uniqueName('room');
      const main = await cluster.joinEach([room]);
      const other = await cluster.joinEach([room], { path: '/ws/other' });
      await one.server((server) => server.to(room).emit('news', 'main'));
      await one.server((server) => server.emit('news', 'main'));
      await one.server((server) => server.to(room).emit('news', 'other'), '/ws/other');
      const received = async (members: typeof main, path: string) =>
        (await cluster.got(one, members, path)).map((frames) => frames.map(({ data }) => data as string));
      expect(await received(main, '/ws')).toEqual(Array(3).fill(['main', 'main']));
      expect(await received(other, '/ws/other')).toEqual(Array(3).fill(['other']));
      expect(await three.fetch((server) => server.in(room), '/ws/other')).toHaveLength(3);
      await three.server((server) => server.in(room).disconnectSockets(), '/ws/other');
      for (const { client } of other) expect(await client.ended()).toMatchObject({ code: 1000 });
      expect(await one.fetch((server) => server.in(room))).toHaveLength(3);
    });

    it('of a RegExp reach their clients on every node', async () => {
      const [one, , three] = cluster.three;
      const [red, blue] = [`/ws/dyn-${uniqueName('red')}`, `/ws/dyn-${uniqueName('blue')}`];
      const reds = await cluster.joinEach(['room'], { path: red });
      const blues = await cluster.joinEach(['room'], { path: blue });
      await cluster.waitForNodes(reds, red);
      await cluster.waitForNodes(blues, blue);
      await one.server((server) => server.emit('news', 'all'), red);
      await one.server((server) => server.to('room').emit('news', 'room'), red);
      await one.server((server) => server.to('room').emit('news', 'blue'), blue);
      for (const frames of await cluster.got(one, reds, red))
        expect(frames.map(({ data }) => data as string)).toEqual(['all', 'room']);
      for (const frames of await cluster.got(one, blues, blue))
        expect(frames.map(({ data }) => data as string)).toEqual(['blue']);
      expect(await three.fetch((server) => server.in('room'), red)).toHaveLength(3);
    });

    it('of a RegExp with clients on one node are reached by the others without waiting for more nodes', async () => {
      const [one, , three] = cluster.three;
      const path = `/ws/dyn-${uniqueName('lone')}`;
      const far = await cluster.join(three, ['room'], { path });
      await until('a message', async () => {
        await one.server((server) => server.to('room').emit('news'), path);
        return far.client.frames.some(({ event }) => event === 'news');
      });
      // Adapters that count nodes by the messages they received may not know that one yet.
      await until('the socket', async () => {
        const sockets = await one.fetch((server) => server, path);
        return sockets.length === 1;
      });
    });

    it('of a RegExp that were removed on one node are not waited for by the others', async () => {
      const [, two, three] = cluster.three;
      const path = `/ws/dyn-${uniqueName('partly')}`;
      const members = await cluster.joinEach([], { path });
      await cluster.waitForNodes(members, path);
      const [near, ...others] = members;
      near.client.close(1000);
      await near.client.ended();
      await until('the disconnect', async () => {
        const sockets = await three.fetch((server) => server, path);
        return sockets.length === 2;
      });
      const started = performance.now();
      expect(idsOf(await three.fetch((server) => server, path))).toEqual(idsOf(others));
      const request = two.server((server) => server.timeout(20_000).emitWithAck('vote'), path);
      await Promise.all(others.map((member) => answer(member, 'vote', member.id)));
      expect(((await request) as string[]).sort()).toEqual(idsOf(others));
      expect(performance.now() - started).toBeLessThan(20_000);
    });

    // A broker treats `*`, `?` and `[x]` as a pattern, and PostgreSQL limits names to 63 bytes.
    it.each([
      ['with the characters of patterns', '[x]*'],
      ['with percent-encoded characters', '%5B%C3%A9'],
      ['that are long', 'x'.repeat(300)],
    ])('of a RegExp, with names %s, are reached one by one and all together', async (_, suffix) => {
      const [one] = cluster.three;
      const [red, blue] = [`/ws/odd-${uniqueName('red')}${suffix}`, `/ws/odd-${uniqueName('blue')}${suffix}`];
      const reds = await cluster.joinEach(['room'], { path: red });
      const blues = await cluster.joinEach([], { path: blue });
      await cluster.waitForNodes(reds, red);
      await cluster.waitForNodes(blues, blue);
      await one.server((server) => server.emit('news', 'red'), red);
      await one.server((server) => server.to('room').emit('news', 'room'), red);
      for (const frames of await cluster.got(one, reds, red))
        expect(frames.map(({ data }) => data as string)).toEqual(['red', 'room']);
      expect(await cluster.got(one, blues, blue)).toEqual(Array(blues.length).fill([]));
      expect(idsOf(await one.fetch((server) => server, red))).toEqual(idsOf(reds));
      reds[0].client.send({ event: 'broadcast', data: { room: 'room', data: 'rooms' } });
      reds[0].client.send({ event: 'broadcast', data: { data: 'all' } });
      for (const { client } of [...reds, ...blues]) {
        await client.until('all events', () => client.frames.some(({ data }) => data === 'all'));
        const received = client.frames
          .filter(({ event }) => event === 'announcement')
          .map(({ data }) => data as string);
        expect(received).toEqual(
          reds.some((member) => member.client === client) ? ['rooms', 'all'] : ['all'],
        );
      }
    });

    itUnless(
      'reopening',
      'of a RegExp that were removed with their last client are created again for the next clients',
      async () => {
        const path = `/ws/dyn-${uniqueName('again')}`;
        for (let round = 1; round <= 3; round++) {
          const members = await cluster.joinEach(['room'], { path });
          await cluster.waitForNodes(members, path);
          const [one] = cluster.three;
          await one.server((server) => server.to('room').emit('news', round), path);
          for (const frames of await cluster.got(one, members, path))
            expect(frames).toEqual([{ event: 'news', data: round }]);
          expect(await one.fetch((server) => server, path)).toHaveLength(3);
          await cluster.leave();
        }
      },
    );
  });
};
