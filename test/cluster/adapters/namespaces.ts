import { answer, fresh, idsOf, unless, type Cases } from './cases.js';

export const namespaces: Cases = (cluster, backend) => {
  const itUnless = unless(backend);

  describe('namespaces', () => {
    it('are apart: emits, rooms and sockets of one are none of another', async () => {
      const [one, , three] = cluster.three;
      const room = fresh('room');
      const main = await cluster.joinEach([room]);
      const other = await cluster.joinEach([room], { path: '/ws/other' });
      await one.server((server) => server.to(room).emit('news', 'main'));
      await one.server((server) => server.emit('news', 'main'));
      await one.server((server) => server.to(room).emit('news', 'other'), '/ws/other');
      const told = async (members: typeof main, path: string) =>
        (await cluster.got(one, members, path)).map((frames) => frames.map(({ data }) => data as string));
      expect(await told(main, '/ws')).toEqual(Array(3).fill(['main', 'main']));
      expect(await told(other, '/ws/other')).toEqual(Array(3).fill(['other']));
      expect(await three.fetch((server) => server.in(room), '/ws/other')).toHaveLength(3);
      await three.server((server) => server.in(room).disconnectSockets(), '/ws/other');
      for (const { client } of other) expect(await client.ended()).toMatchObject({ code: 1000 });
      expect(await one.fetch((server) => server.in(room))).toHaveLength(3);
    });

    it('that a RegExp makes: each reaches its clients on every node', async () => {
      const [one, , three] = cluster.three;
      const [red, blue] = [`/ws/dyn-${fresh('red')}`, `/ws/dyn-${fresh('blue')}`];
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

    it('that a RegExp makes, with a client on one node only: the others reach it, and wait for nobody else', async () => {
      const [one, , three] = cluster.three;
      const path = `/ws/dyn-${fresh('lone')}`;
      const far = await cluster.join(three, ['room'], { path });
      await cluster.until('it is reached', async () => {
        await one.server((server) => server.to('room').emit('news'), path);
        return far.client.frames.some(({ event }) => event === 'news');
      });
      // adapters that count nodes by what they heard of them may not know that one yet
      await cluster.until('it is found', async () => {
        const sockets = await one.fetch((server) => server, path);
        return sockets.length === 1;
      });
    });

    it('that a RegExp made, and that one node has no more: the others do not wait for it', async () => {
      const [, two, three] = cluster.three;
      const path = `/ws/dyn-${fresh('partly')}`;
      const members = await cluster.joinEach([], { path });
      await cluster.waitForNodes(members, path);
      const [near, ...others] = members;
      near.client.close(1000);
      await near.client.ended();
      await cluster.until('it is gone', async () => {
        const sockets = await three.fetch((server) => server, path);
        return sockets.length === 2;
      });
      const started = performance.now();
      expect(idsOf(await three.fetch((server) => server, path))).toEqual(idsOf(others));
      const asked = two.server((server) => server.timeout(1_000).emitWithAck('vote'), path);
      await Promise.all(others.map((member) => answer(member, 'vote', member.id)));
      expect(((await asked) as string[]).sort()).toEqual(idsOf(others));
      expect(performance.now() - started).toBeLessThan(1_000);
    });

    // a broker reads `*`, `?` and `[x]` as a pattern, and PostgreSQL takes 63 bytes
    it.each([
      ['with the characters of patterns', '[x]*'],
      ['with percent-encoded characters', '%5B%C3%A9'],
      ['that are long', 'x'.repeat(300)],
    ])('that a RegExp makes, with names %s: reached alone and all together', async (_, odd) => {
      const [one] = cluster.three;
      const [red, blue] = [`/ws/odd-${fresh('red')}${odd}`, `/ws/odd-${fresh('blue')}${odd}`];
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
      reds[0].client.send({ event: 'tell', data: { room: 'room', data: 'rooms' } });
      reds[0].client.send({ event: 'tell', data: { data: 'all' } });
      for (const { client } of [...reds, ...blues]) {
        await client.until('all are told', () => client.frames.some(({ data }) => data === 'all'));
        const told = client.frames.filter(({ event }) => event === 'told').map(({ data }) => data as string);
        expect(told).toEqual(reds.some((member) => member.client === client) ? ['rooms', 'all'] : ['all']);
      }
    });

    itUnless(
      'reopening',
      'that a RegExp made and that went with its last client: it is there for the next ones',
      async () => {
        const path = `/ws/dyn-${fresh('again')}`;
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
