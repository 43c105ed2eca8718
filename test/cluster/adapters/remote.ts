import { answer, failureOf, uniqueName, idsOf, type Cases } from './cases.js';

export const remote: Cases = (cluster) => {
  describe('a fetched socket', () => {
    it('receives what is emitted to it', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      for (const { id } of members) await one.fetched(id, (socket) => socket.emit('news', id));
      expect(await cluster.got(one, members)).toEqual(members.map(({ id }) => [{ event: 'news', data: id }]));
    });

    it('answers a request with one value', async () => {
      const [one] = cluster.three;
      for (const member of await cluster.joinEach()) {
        const request = one.fetched(member.id, (socket) =>
          socket.timeout(3_500).emitWithAck('question', 'how?'),
        );
        expect((await answer(member, 'question', { so: 1 })).data).toBe('how?');
        expect(await request).toEqual({ so: 1 });
      }
    });

    it('fails a request after its timeout when the client does not answer', async () => {
      const [one] = cluster.three;
      for (const { id } of await cluster.joinEach()) {
        const request = one.fetched(id, (socket) => socket.timeout(100).emitWithAck('question'));
        expect((await failureOf(request)).message).toMatch(/timed out/);
      }
    });

    it('joins and leaves rooms', async () => {
      const [one] = cluster.three;
      const [red, blue] = [uniqueName('red'), uniqueName('blue')];
      const members = await cluster.joinEach();
      for (const { id } of members) {
        await one.fetched(id, (socket) => socket.join([red, blue]));
        await one.fetched(id, (socket) => socket.leave(blue));
      }
      await cluster.got(one, members);
      for (const node of cluster.three) await node.settled();
      expect(idsOf(await one.fetch((server) => server.in(red)))).toEqual(idsOf(members));
      expect(await one.fetch((server) => server.in(blue))).toEqual([]);
    });

    it('can be disconnected', async () => {
      const [one] = cluster.three;
      const [near, middle, far] = await cluster.joinEach();
      await one.fetched(far.id, (socket) => socket.disconnect());
      expect(await far.client.ended()).toMatchObject({ code: 1000 });
      await one.fetched(near.id, (socket) => socket.disconnect(true));
      expect(await near.client.ended()).toMatchObject({ code: 1000 });
      expect(idsOf(await one.fetch())).toEqual([middle.id]);
    });
  });

  describe('the sockets of a target', () => {
    it('can join several rooms: all sockets, those of a room, or one', async () => {
      const [one] = cluster.three;
      const [a, b, c, d] = [uniqueName('a'), uniqueName('b'), uniqueName('c'), uniqueName('d')];
      const inside = await cluster.joinEach([a]);
      const outside = await cluster.joinEach();
      const far = outside[2];
      await one.server((server) => server.in(a).socketsJoin([b, c]));
      await one.server((server) => server.in(far.id).socketsJoin(c));
      await one.server((server) => server.socketsJoin(d));
      await cluster.got(one, [...inside, ...outside]);
      for (const node of cluster.three) await node.settled();
      expect(idsOf(await one.fetch((server) => server.in(b)))).toEqual(idsOf(inside));
      expect(idsOf(await one.fetch((server) => server.in(c)))).toEqual(idsOf([...inside, far]));
      expect(idsOf(await one.fetch((server) => server.in(d)))).toEqual(idsOf([...inside, ...outside]));
      // Emits to the rooms reach them.
      await one.server((server) => server.to(c).emit('news'));
      const counts = (await cluster.got(one, [...inside, ...outside])).map((frames) => frames.length);
      expect(counts).toEqual([1, 1, 1, 0, 0, 1]);
    });

    it('can leave rooms: those of a room, all, or one', async () => {
      const [one] = cluster.three;
      const [a, b, c] = [uniqueName('a'), uniqueName('b'), uniqueName('c')];
      const members = await cluster.joinEach([a, b, c]);
      const [, , far] = members;
      const others = await cluster.joinEach([b, c]);
      await one.server((server) => server.in(a).socketsLeave(b));
      await one.server((server) => server.in(far.id).socketsLeave(a));
      await one.server((server) => server.socketsLeave(c));
      await cluster.got(one, [...members, ...others]);
      expect(idsOf(await one.fetch((server) => server.in(a)))).toEqual(idsOf(members.slice(0, 2)));
      expect(idsOf(await one.fetch((server) => server.in(b)))).toEqual(idsOf(others));
      expect(await one.fetch((server) => server.in(c))).toEqual([]);
    });

    it('can be disconnected: those of a room except one, after the delivery of earlier events', async () => {
      const [one] = cluster.three;
      const room = uniqueName('room');
      const inside = await cluster.joinEach([room]);
      const outside = await cluster.joinEach();
      const remaining = await cluster.join(cluster.three[2], [room]);
      await one.server((server) => server.to(room).emit('last', 'soon'));
      await one.server((server) => server.in(room).except(remaining.id).disconnectSockets());
      for (const { client } of inside) {
        expect(await client.ended()).toMatchObject({ code: 1000 });
        expect(client.frames).toEqual([{ event: 'last', data: 'soon' }]);
      }
      expect(idsOf(await one.fetch())).toEqual(idsOf([...outside, remaining]));
    });

    it('can be disconnected: all of them', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      await one.server((server) => server.disconnectSockets(true));
      for (const { client } of members) expect(await client.ended()).toMatchObject({ code: 1000 });
      expect(await one.fetch()).toEqual([]);
    });
  });
};
