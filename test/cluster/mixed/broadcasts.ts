import type { MixedCases } from './cases.js';
import type { Event, Member } from './members.js';

/** The arguments of events that must look the same wherever they are emitted. */
const ARGUMENTS: [what: string, args: unknown[]][] = [
  ['no argument', []],
  ['an object', [{ deep: { list: [1, null, 'ä'] } }]],
  ['null', [null]],
  ['false', [false]],
  ['a list', [[1, 2]]],
  ['an empty list', [[]]],
  ['several arguments', [1, 'two', { three: 3 }]],
  ['several arguments, the last one a text', ['x', '1700000000000-0']],
  ['several arguments, the last one null', [{ a: 1 }, null]],
  ['several lists', [[1], [2]]],
];

const views = (members: readonly Member[], events: Event[]): Event[][] =>
  members.map((member) => events.map((event) => member.view(event)));

export const broadcasts: MixedCases = (cluster, from) => {
  it.each(ARGUMENTS)('broadcasts %s', async (_, args) => {
    const members = await cluster.joinBoth();
    cluster
      .node(from)
      .server()
      .emit('news', ...args);
    expect(await cluster.got(from, members)).toEqual(views(members, [['news', ...args]]));
  });

  const bytes = Buffer.from([0, 1, 127, 128, 255]);
  const withBytes: [what: string, args: unknown[]][] = [
    ['bytes', [bytes]],
    ['bytes within a value', [{ deep: [bytes, { more: bytes }], text: 'ä' }]],
    ['several arguments with bytes', [1, bytes, 'text', [bytes]]],
    ['no bytes', [Buffer.alloc(0)]],
    ['many bytes', [Buffer.alloc(20_000, 'x')]],
  ];
  if (cluster.carriesBytes)
    it.each(withBytes)('broadcasts %s', async (_, args) => {
      const members = await cluster.joinAll();
      cluster
        .node(from)
        .server()
        .emit('news', ...args);
      for (const member of members) await member.received('news');
      expect(await cluster.got(from, members)).toEqual(views(members, [['news', ...args]]));
    });

  it('reaches rooms, all but a room, and one client', async () => {
    const red = await cluster.joinBoth(['red']);
    const blue = await cluster.joinBoth(['blue']);
    const both = await cluster.joinBoth(['red', 'blue']);
    const server = cluster.node(from).server();
    server.to('red').emit('red', 1);
    server.to(['red', 'blue']).emit('any', 2);
    server.to('red').except('blue').emit('only red', 3);
    server.except('red').emit('not red', 4);
    for (const { id } of red) server.to(id).emit('one', id);
    const onlyRed = (member: Member): Event[] => [
      ['red', 1],
      ['any', 2],
      ['only red', 3],
      ['one', member.id],
    ];
    expect(await cluster.got(from, red)).toEqual(red.map(onlyRed));
    const notRed: Event[] = [
      ['any', 2],
      ['not red', 4],
    ];
    expect(await cluster.got(from, blue)).toEqual([notRed, notRed]);
    const inBoth: Event[] = [
      ['red', 1],
      ['any', 2],
    ];
    expect(await cluster.got(from, both)).toEqual([inBoth, inBoth]);
  });

  it('reaches the others of a client, and a room of it', async () => {
    const all = await cluster.joinBoth();
    const inRoom = await cluster.joinBoth(['room']);
    const sender = await cluster.join(from, ['room']);
    await sender.ask('tell', { args: ['all', 1] });
    await sender.ask('tell', { to: 'room', args: ['room', 2] });
    const toAll: Event = ['told', 'all', 1];
    expect(await cluster.got(from, all)).toEqual(views(all, [toAll]));
    expect(await cluster.got(from, inRoom)).toEqual(views(inRoom, [toAll, ['told', 'room', 2]]));
    expect(await cluster.got(from, [sender])).toEqual([[]]);
  });

  it('keeps an event on its node with local', async () => {
    const members = await cluster.joinBoth();
    const server = cluster.node(from).server();
    server.local.emit('here', 1);
    server.local.to(members[0].id).emit('here', 2);
    server.emit('all', 3);
    const [theirs, ours] = await cluster.got(from, members);
    const [near, far] = from === 'ours' ? [ours, theirs] : [theirs, ours];
    expect(far).toEqual([['all', 3]]);
    expect(near![0]).toEqual(['here', 1]);
  });

  it('keeps the order of many events', async () => {
    const members = await cluster.joinBoth(['room']);
    const server = cluster.node(from).server();
    const sent: Event[] = [];
    for (let n = 0; n < 60; n++) {
      (n % 2 === 0 ? server : server.to('room')).emit('n', n);
      sent.push(['n', n]);
    }
    expect(await cluster.got(from, members)).toEqual([sent, sent]);
  });

  it.each(['/', '/team/chat'])('reaches the namespace %s and no other', async (path) => {
    const members = await cluster.joinBoth(['room'], path);
    const others = await cluster.joinBoth(['room']);
    cluster.node(from).server(path).to('room').emit('news', 1, 2);
    expect(await cluster.got(from, members, path)).toEqual(views(members, [['news', 1, 2]]));
    expect(await cluster.got(from, others)).toEqual([[], []]);
  });

  it('reaches a namespace of a RegExp', async () => {
    const path = `/room-${from === 'ours' ? 1 : 2}`;
    const members = await cluster.joinBoth(['room'], path);
    const others = await cluster.joinBoth(['room'], '/room-3');
    await cluster.know(path);
    cluster.node(from).server(path).emit('news', 1, 2);
    expect(await cluster.got(from, members, path)).toEqual(views(members, [['news', 1, 2]]));
    expect(await cluster.got(from, others, '/room-3')).toEqual([[], []]);
  });
};
