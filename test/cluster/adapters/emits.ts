import { fresh, unless, type Cases } from './cases.js';

export const emits: Cases = (cluster, backend) => {
  const itUnless = unless(backend);

  describe('emit', () => {
    it('to all: every client of every node, once', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      await one.server((server) => server.emit('news', { text: 'to all' }));
      for (const frames of await cluster.got(one, members))
        expect(frames).toEqual([{ event: 'news', data: { text: 'to all' } }]);
    });

    it('to a room: its members on every node, and nobody else', async () => {
      const [one] = cluster.three;
      const room = fresh('room');
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

    it('to a room whose members are all on another node', async () => {
      const [one, two, three] = cluster.three;
      const room = fresh('room');
      const there = await cluster.join(three, [room]);
      const here = await cluster.join(one);
      for (const node of [one, two]) await node.server((server) => server.to(room).emit('news', node.name));
      const [[, mine]] = [await cluster.got(one, [there, here])];
      const [theirs] = await cluster.got(two, [there]);
      expect(theirs!.map(({ data }) => data as string).sort()).toEqual([one.name, two.name].sort());
      expect(mine).toEqual([]);
    });

    it('except a room, and except one client', async () => {
      const [one] = cluster.three;
      const room = fresh('room');
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

    itUnless('rejoining', 'to a room that its only member left and joined again at once', async () => {
      const [one, , three] = cluster.three;
      const room = fresh('room');
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
    });

    it('to several rooms: once for each client, however many of them it is in', async () => {
      const [one] = cluster.three;
      const [red, blue] = [fresh('red'), fresh('blue')];
      const both = await cluster.joinEach([red, blue]);
      const reds = await cluster.joinEach([red]);
      const none = await cluster.joinEach();
      await one.server((server) => server.to(red).to(blue).emit('news', 1));
      await one.server((server) => server.to([red, blue]).emit('news', 2));
      for (const frames of await cluster.got(one, [...both, ...reds]))
        expect(frames.map(({ data }) => data as number)).toEqual([1, 2]);
      expect(await cluster.got(one, none)).toEqual([[], [], []]);
    });

    it('to a room whose name is a number', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach([42]);
      const others = await cluster.joinEach([43]);
      await one.server((server) => server.to(42 as never).emit('news', 'number'));
      await one.server((server) => server.to([42, 44] as never).emit('news', 'numbers'));
      for (const frames of await cluster.got(one, members))
        expect(frames.map(({ data }) => data as string)).toEqual(['number', 'numbers']);
      expect(await cluster.got(one, others)).toEqual([[], [], []]);
    });

    it('to one client by its id, wherever it is', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      for (const { id } of members) await one.server((server) => server.to(id).emit('news', id));
      const frames = await cluster.got(one, members);
      expect(frames).toEqual(members.map(({ id }) => [{ event: 'news', data: id }]));
    });

    it('to nobody: an empty room', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      await one.server((server) => server.to(fresh('empty')).emit('news'));
      expect(await cluster.got(one, members)).toEqual([[], [], []]);
    });

    it('volatile: it arrives where lines are idle', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      await one.server((server) => server.volatile.emit('news', 'volatile'));
      for (const frames of await cluster.got(one, members))
        expect(frames).toEqual([{ event: 'news', data: 'volatile' }]);
    });

    it('volatile: it is dropped where the line of another node takes no data; what follows it arrives', async () => {
      const [one, , three] = cluster.three;
      const slow = await cluster.join(three);
      const idle = await cluster.join(three);
      slow.client.ws.pause();
      const filler = 'x'.repeat(1_000_000);
      let sent = 0;
      const waiting = async (): Promise<number> => {
        // the kernel takes more of it in turns of the event loop
        for (let turn = 0; turn < 5; turn++) await idle.client.settled();
        return three.socket(slow.id, (socket) => socket.bufferedAmount);
      };
      while ((await waiting()) < filler.length && sent < 100) {
        await three.socket(slow.id, (socket) => socket.emit('filler', filler));
        sent++;
      }
      await one.server((server) => server.volatile.emit('dropped'));
      await one.server((server) => server.emit('kept'));
      const [idlers] = await cluster.got(one, [idle]);
      slow.client.ws.resume();
      const [frames] = await cluster.got(one, [slow]);
      expect(frames!.map(({ event }) => event)).toEqual([...Array<string>(sent).fill('filler'), 'kept']);
      expect(idlers!.map(({ event }) => event)).toEqual(['dropped', 'kept']);
    });

    it('from a client, to a room and to all: never to the client itself', async () => {
      const [one] = cluster.three;
      const room = fresh('room');
      const sender = await cluster.join(one, [room]);
      const inside = await cluster.joinEach([room]);
      const outside = await cluster.joinEach();
      await one.socket(sender.id, (socket) => socket.to(room).emit('news', 'room'));
      await one.socket(sender.id, (socket) => socket.broadcast.emit('news', 'all'));
      await one.socket(sender.id, (socket) => socket.except(room).emit('news', 'rest'));
      const told = async (...members: Parameters<typeof cluster.got>[1][]) =>
        (await cluster.got(one, members.flat())).map((frames) => frames.map(({ data }) => data as string));
      expect(await told([sender])).toEqual([[]]);
      expect(await told(inside)).toEqual(Array(3).fill(['room', 'all']));
      expect(await told(outside)).toEqual(Array(3).fill(['all', 'rest']));
    });
  });
};

/** What makes a difference only where there are several nodes. */
export const emitsAcross: Cases = (cluster) => {
  describe('local', () => {
    it('emits to this node alone, from the server and from a client', async () => {
      const [one] = cluster.three;
      const room = fresh('room');
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

    it('has the sockets of this node join, leave and go', async () => {
      const [one] = cluster.three;
      const room = fresh('room');
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
