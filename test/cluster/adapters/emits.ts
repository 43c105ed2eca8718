import { uniqueName, unless, type Cases } from './cases.js';

export const emits: Cases = (cluster, backend) => {
  const itUnless = unless(backend);

  describe('emit', () => {
    it('reaches every client of every node once', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      await one.server((server) => server.emit('news', { text: 'to all' }));
      for (const frames of await cluster.got(one, members))
        expect(frames).toEqual([{ event: 'news', data: { text: 'to all' } }]);
    });

    it('to a room reaches its members on every node, and no other client', async () => {
      const [one] = cluster.three;
      const room = uniqueName('room');
      const inside = await cluster.joinEach([room]);
      const outside = await cluster.joinEach();
      await one.server((server) => server.to(room).emit('news', 1));
      await one.server((server) => server.in(room).emit('news', 2));
      for (const frames of await cluster.got(one, inside))
        expect(frames).toEqual([
          { event: 'news', data: 1 },
          { event: 'news', data: 2 },
        ]);
      expect(await cluster.got(one, outside)).toEqual([[], [], []]);
    });

    it('to a room whose members are all on another node reaches them', async () => {
      const [one, two, three] = cluster.three;
      const room = uniqueName('room');
      const there = await cluster.join(three, [room]);
      const here = await cluster.join(one);
      for (const node of [one, two]) await node.server((server) => server.to(room).emit('news', node.name));
      const [[, mine]] = [await cluster.got(one, [there, here])];
      const [theirs] = await cluster.got(two, [there]);
      expect(theirs!.map(({ data }) => data as string).sort()).toEqual([one.name, two.name].sort());
      expect(mine).toEqual([]);
    });

    it('with except leaves out a room or one client', async () => {
      const [one] = cluster.three;
      const room = uniqueName('room');
      const inside = await cluster.joinEach([room]);
      const [, far] = await cluster.joinEach();
      await one.server((server) => server.except(room).emit('news', 'a'));
      await one.server((server) => server.except(far.id).emit('news', 'b'));
      await one.server((server) => server.to(room).except(inside[2].id).emit('news', 'c'));
      await one.server((server) => server.except([room, far.id]).emit('news', 'd'));
      const all = await cluster.got(one, [...inside, far]);
      expect(all.map((frames) => frames.map(({ data }) => data as string).join(''))).toEqual([
        'bc',
        'bc',
        'b',
        'a',
      ]);
    });

    itUnless(
      'rejoining',
      'to a room whose only member left and rejoined immediately reaches it',
      async () => {
        const [one, , three] = cluster.three;
        const room = uniqueName('room');
        const far = await cluster.join(three, [room]);
        for (let round = 0; round < 5; round++) {
          const left = three.socket(far.id, (socket) => socket.leave(room));
          const joined = three.socket(far.id, (socket) => socket.join(room));
          await Promise.all([left, joined]);
          await three.settled();
          await one.server((server) => server.to(room).emit('news', round));
        }
        const [frames] = await cluster.got(one, [far]);
        expect(frames!.map(({ data }) => data as number)).toEqual([0, 1, 2, 3, 4]);
      },
    );

    it('to several rooms reaches each client once', async () => {
      const [one] = cluster.three;
      const [red, blue] = [uniqueName('red'), uniqueName('blue')];
      const both = await cluster.joinEach([red, blue]);
      const reds = await cluster.joinEach([red]);
      const none = await cluster.joinEach();
      await one.server((server) => server.to(red).to(blue).emit('news', 1));
      await one.server((server) => server.to([red, blue]).emit('news', 2));
      for (const frames of await cluster.got(one, [...both, ...reds]))
        expect(frames.map(({ data }) => data as number)).toEqual([1, 2]);
      expect(await cluster.got(one, none)).toEqual([[], [], []]);
    });

    it('to a room whose name is a number reaches its members', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach([42]);
      const others = await cluster.joinEach([43]);
      await one.server((server) => server.to(42 as never).emit('news', 'number'));
      await one.server((server) => server.to([42, 44] as never).emit('news', 'numbers'));
      for (const frames of await cluster.got(one, members))
        expect(frames.map(({ data }) => data as string)).toEqual(['number', 'numbers']);
      expect(await cluster.got(one, others)).toEqual([[], [], []]);
    });

    it('to a client id reaches that client on any node', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      for (const { id } of members) await one.server((server) => server.to(id).emit('news', id));
      const frames = await cluster.got(one, members);
      expect(frames).toEqual(members.map(({ id }) => [{ event: 'news', data: id }]));
    });

    it('to an empty room reaches no client', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      await one.server((server) => server.to(uniqueName('empty')).emit('news'));
      expect(await cluster.got(one, members)).toEqual([[], [], []]);
    });

    it('volatile arrives on idle connections', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      await one.server((server) => server.volatile.emit('news', 'volatile'));
      for (const frames of await cluster.got(one, members))
        expect(frames).toEqual([{ event: 'news', data: 'volatile' }]);
    });

    it('volatile is dropped on a blocked connection of another node, and the next message arrives', async () => {
      const [one, , three] = cluster.three;
      const slow = await cluster.join(three);
      const idle = await cluster.join(three);
      slow.client.ws.pause();
      const filler = 'x'.repeat(1_000_000);
      let sent = 0;
      const waiting = async (): Promise<number> => {
        // The kernel takes more of it in later turns of the event loop.
        for (let turn = 0; turn < 5; turn++) await idle.client.settled();
        return three.socket(slow.id, (socket) => socket.bufferedAmount);
      };
      while ((await waiting()) < filler.length && sent < 100) {
        await three.socket(slow.id, (socket) => socket.emit('filler', filler));
        sent++;
      }
      await one.server((server) => server.volatile.emit('dropped'));
      await one.server((server) => server.emit('kept'));
      const [idleFrames] = await cluster.got(one, [idle]);
      slow.client.ws.resume();
      const [frames] = await cluster.got(one, [slow]);
      expect(frames!.map(({ event }) => event)).toEqual([...Array<string>(sent).fill('filler'), 'kept']);
      expect(idleFrames!.map(({ event }) => event)).toEqual(['dropped', 'kept']);
    });

    it('from a client, to a room or to all, never reaches the client itself', async () => {
      const [one] = cluster.three;
      const room = uniqueName('room');
      const sender = await cluster.join(one, [room]);
      const inside = await cluster.joinEach([room]);
      const outside = await cluster.joinEach();
      await one.socket(sender.id, (socket) => socket.to(room).emit('news', 'room'));
      await one.socket(sender.id, (socket) => socket.broadcast.emit('news', 'all'));
      await one.socket(sender.id, (socket) => socket.except(room).emit('news', 'rest'));
      const receivedBy = async (...members: Parameters<typeof cluster.got>[1][]) =>
        (await cluster.got(one, members.flat())).map((frames) => frames.map(({ data }) => data as string));
      expect(await receivedBy([sender])).toEqual([[]]);
      expect(await receivedBy(inside)).toEqual(Array(3).fill(['room', 'all']));
      expect(await receivedBy(outside)).toEqual(Array(3).fill(['all', 'rest']));
    });
  });
};

/** Cases that only differ with several nodes. */
export const emitsAcross: Cases = (cluster) => {
  describe('local', () => {
    it('limits emits of the server and of a client to this node', async () => {
      const [one] = cluster.three;
      const room = uniqueName('room');
      const members = await cluster.joinEach([room]);
      const sender = await cluster.join(one, [room]);
      await one.server((server) => server.local.emit('news', 1));
      await one.server((server) => server.local.to(room).emit('news', 2));
      await one.socket(sender.id, (socket) => socket.local.emit('news', 3));
      await one.socket(sender.id, (socket) => socket.to(room).local.emit('news', 4));
      const frames = await cluster.got(one, [...members, sender]);
      expect(frames.map((list) => list.map(({ data }) => data as number))).toEqual([
        [1, 2, 3, 4],
        [],
        [],
        [1, 2],
      ]);
    });

    it('limits joins, leaves and disconnects to the sockets of this node', async () => {
      const [one] = cluster.three;
      const room = uniqueName('room');
      const members = await cluster.joinEach();
      await one.server((server) => server.local.socketsJoin(room));
      const [near] = await one.fetch((server) => server.local);
      expect(near).toMatchObject({ id: members[0].id });
      expect(near!.rooms).toContain(room);
      await one.server((server) => server.to(room).emit('news', 1));
      expect((await cluster.got(one, members)).map((frames) => frames.length)).toEqual([1, 0, 0]);
      await one.server((server) => server.local.socketsLeave(room));
      await one.server((server) => server.local.disconnectSockets());
      expect(await members[0].client.ended()).toMatchObject({ code: 1000 });
      expect(await cluster.got(one, members.slice(1))).toEqual([[], []]);
    });
  });
};
