import { answer, failureOf, fresh, idsOf, type Cases } from './cases.js';

export const remote: Cases = (cluster) => {
  describe('a socket that was fetched', () => {
    it('gets what is emitted to it, alone', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      for (const { id } of members) await one.fetched(id, (socket) => socket.emit('news', id));
      expect(await cluster.got(one, members)).toEqual(members.map(({ id }) => [{ event: 'news', data: id }]));
    });

    it('answers a request with one value', async () => {
      const [one] = cluster.three;
      for (const member of await cluster.joinEach()) {
        const asked = one.fetched(member.id, (socket) =>
          socket.timeout(1_000).emitWithAck('question', 'how?'),
        );
        expect((await answer(member, 'question', { so: 1 })).data).toBe('how?');
        expect(await asked).toEqual({ so: 1 });
      }
    });

    it('that does not answer: the request fails when its time is over', async () => {
      const [one] = cluster.three;
      for (const { id } of await cluster.joinEach()) {
        const asked = one.fetched(id, (socket) => socket.timeout(100).emitWithAck('question'));
        expect((await failureOf(asked)).message).toMatch(/timed out/);
      }
    });

    it('joins and leaves rooms', async () => {
      const [one] = cluster.three;
      const [red, blue] = [fresh('red'), fresh('blue')];
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

    it('is disconnected', async () => {
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
    it('join: all, those of a room, one; several rooms at once', async () => {
      const [one] = cluster.three;
      const [a, b, c, d] = [fresh('a'), fresh('b'), fresh('c'), fresh('d')];
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
      // they are reached there
      await one.server((server) => server.to(c).emit('news'));
      const counts = (await cluster.got(one, [...inside, ...outside])).map((frames) => frames.length);
      expect(counts).toEqual([1, 1, 1, 0, 0, 1]);
    });

    it('leave: those of a room, all, one', async () => {
      const [one] = cluster.three;
      const [a, b, c] = [fresh('a'), fresh('b'), fresh('c')];
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

    it('are disconnected: those of a room, but for one; what was emitted before arrives', async () => {
      const [one] = cluster.three;
      const room = fresh('room');
      const inside = await cluster.joinEach([room]);
      const outside = await cluster.joinEach();
      const spared = await cluster.join(cluster.three[2], [room]);
      await one.server((server) => server.to(room).emit('goodbye', 'soon'));
      await one.server((server) => server.in(room).except(spared.id).disconnectSockets());
      for (const { client } of inside) {
        expect(await client.ended()).toMatchObject({ code: 1000 });
        expect(client.frames).toEqual([{ event: 'goodbye', data: 'soon' }]);
      }
      expect(idsOf(await one.fetch())).toEqual(idsOf([...outside, spared]));
    });

    it('are disconnected: all', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      await one.server((server) => server.disconnectSockets(true));
      for (const { client } of members) expect(await client.ended()).toMatchObject({ code: 1000 });
      expect(await one.fetch()).toEqual([]);
    });
  });
};
