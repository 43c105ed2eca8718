import { got, startBareApp } from '../support/bare-gateway.js';
import { until } from '../support/wait.js';

describe('rooms of Socket.IO', () => {
  it('puts every socket in a room named after its id', async () => {
    const { server, join } = await startBareApp();
    const [ada, bob] = await join(2);
    expect(ada!.socket.rooms).toEqual(new Set([ada!.socket.id]));
    expect(server.adapter.rooms.get(bob!.socket.id)).toEqual(new Set([bob!.socket.id]));
    server.to(ada!.socket.id).emit('private', 1);
    expect(await got(ada!.client)).toEqual([['private', 1]]);
    expect(await got(bob!.client)).toEqual([]);
  });

  it('emits from the server to all clients', async () => {
    const { server, join } = await startBareApp();
    const pairs = await join(3);
    server.emit('news', { a: 1 });
    server.sockets.emit('news', 2);
    for (const { client } of pairs) {
      expect(await got(client)).toEqual([
        ['news', { a: 1 }],
        ['news', 2],
      ]);
    }
  });

  it('emits to all but the sender in socket.broadcast.emit', async () => {
    const { join } = await startBareApp();
    const [ada, bob, eve] = await join(3);
    ada!.socket.broadcast.emit('hi', 'from ada');
    expect(await got(ada!.client)).toEqual([]);
    expect(await got(bob!.client)).toEqual([['hi', 'from ada']]);
    expect(await got(eve!.client)).toEqual([['hi', 'from ada']]);
  });

  it('emits to a room, and to the union of several rooms, once to each client', async () => {
    const { server, join } = await startBareApp();
    const [both, red, blue, none] = await join(4);
    await both!.socket.join(['red', 'blue']);
    await red!.socket.join('red');
    await blue!.socket.join('blue');
    server.to('red').emit('one');
    server.to('red').to('blue').emit('chained');
    server.to(['red', 'blue']).emit('list');
    server.in(new Set(['red', 'blue'])).emit('set');
    server.in('red').in('red').emit('twice');
    server.to('nowhere').emit('nowhere');
    const union = ['chained', 'list', 'set'];
    const names = async (pair: typeof both) => (await got(pair!.client)).map(([event]) => event);
    expect(await names(both)).toEqual(['one', ...union, 'twice']);
    expect(await names(red)).toEqual(['one', ...union, 'twice']);
    expect(await names(blue)).toEqual(union);
    expect(await names(none)).toEqual([]);
  });

  it('excludes the sender in socket.to(room), even if it is in the room', async () => {
    const { join } = await startBareApp();
    const [ada, bob, eve] = await join(3);
    await ada!.socket.join('red');
    await bob!.socket.join('red');
    ada!.socket.to('red').emit('inside');
    eve!.socket.in('red').emit('outside');
    expect(await got(ada!.client)).toEqual([['outside', undefined]]);
    expect(await got(bob!.client)).toEqual([
      ['inside', undefined],
      ['outside', undefined],
    ]);
    expect(await got(eve!.client)).toEqual([]);
  });

  it('updates socket.rooms in join, join([…]) and leave', async () => {
    const { join } = await startBareApp();
    const [ada] = await join(1);
    const { socket } = ada!;
    await socket.join('a');
    expect(socket.rooms).toEqual(new Set([socket.id, 'a']));
    await socket.join(['b', 'c', 'a']);
    expect(socket.rooms).toEqual(new Set([socket.id, 'a', 'b', 'c']));
    await socket.leave('b');
    await socket.leave('never joined');
    expect(socket.rooms).toEqual(new Set([socket.id, 'a', 'c']));
  });

  it('keeps a room as long as it has a member', async () => {
    const { server, join } = await startBareApp();
    const [ada, bob] = await join(2);
    await ada!.socket.join('red');
    await bob!.socket.join('red');
    expect(server.adapter.rooms.get('red')).toEqual(new Set([ada!.socket.id, bob!.socket.id]));
    await ada!.socket.leave('red');
    expect(server.adapter.rooms.get('red')).toEqual(new Set([bob!.socket.id]));
    await bob!.socket.leave('red');
    expect(server.adapter.rooms.has('red')).toBe(false);
  });

  it('cleans up rooms and sids on leave and on a disconnect from either side', async () => {
    const { server, gateway, join } = await startBareApp();
    const [ada, bob] = await join(2);
    const { rooms, sids } = server.adapter;
    await ada!.socket.join(['red', 'blue']);
    await ada!.socket.leave('red');
    expect(rooms.has('red')).toBe(false);
    expect(sids.get(ada!.socket.id)).toEqual(new Set([ada!.socket.id, 'blue']));
    ada!.socket.disconnect();
    expect([rooms.has('blue'), rooms.has(ada!.socket.id), sids.has(ada!.socket.id)]).toEqual([
      false,
      false,
      false,
    ]);
    expect(ada!.socket.rooms).toEqual(new Set());

    await bob!.socket.join('green');
    bob!.client.close();
    await bob!.client.ended();
    await until('handleDisconnect', () => gateway.disconnected.length === 2);
    expect([rooms.size, sids.size, server.sockets.size]).toEqual([0, 0, 0]);
  });

  it('excludes a socket, a room, or several rooms in except, with and without to()', async () => {
    const { server, join } = await startBareApp();
    const [ada, bob, eve] = await join(3);
    await ada!.socket.join(['all', 'red']);
    await bob!.socket.join(['all', 'blue']);
    await eve!.socket.join('all');
    server.except(ada!.socket.id).emit('not ada');
    server.except('red').emit('not red');
    server.except(['red', 'blue']).emit('neither');
    server.to('all').except('blue').emit('all but blue');
    server.except('red').to('all').except('blue').emit('all but both');
    bob!.socket.to('all').except('red').emit('from bob');
    ada!.socket.except('blue').emit('from ada');
    server.to('all').except('all').emit('no client');
    const names = async (pair: typeof ada) => (await got(pair!.client)).map(([event]) => event);
    expect(await names(ada)).toEqual(['all but blue']);
    expect(await names(bob)).toEqual(['not ada', 'not red']);
    expect(await names(eve)).toEqual([
      'not ada',
      'not red',
      'neither',
      'all but blue',
      'all but both',
      'from bob',
      'from ada',
    ]);
  });

  it('ignores a join after the disconnect', async () => {
    const { server, join } = await startBareApp();
    const [ada] = await join(1);
    const { socket } = ada!;
    socket.on('disconnecting', () => void socket.join('last minute'));
    socket.on('disconnect', () => void socket.join('too late'));
    socket.disconnect();
    await socket.join(['after', 'wards']);
    server.in(socket.id).socketsJoin('remotely');
    expect(socket.rooms).toEqual(new Set());
    expect([server.adapter.rooms.size, server.adapter.sids.size]).toEqual([0, 0]);
  });

  it('leaves rooms that a middleware joined before it refused the client', async () => {
    const { app, server } = await startBareApp();
    let seen: unknown;
    server.use((socket, next) => {
      void socket.join(['red', 'blue']);
      seen = [...server.adapter.rooms.keys()];
      next(new Error('not you'));
      void socket.join('after all');
    });
    const client = await app.connect('/ws');
    expect(await client.ended()).toEqual({ code: 1008, reason: 'not you' });
    expect(seen).toEqual(['red', 'blue']);
    expect([server.adapter.rooms.size, server.adapter.sids.size]).toEqual([0, 0]);
  });

  it('keeps rooms that a middleware joined before it accepted the client', async () => {
    const { server, join } = await startBareApp();
    server.use((socket, next) => {
      void socket.join('red');
      server.to('red').emit('too early');
      next();
    });
    const [ada] = await join(1);
    expect(ada!.socket.rooms).toEqual(new Set(['red', ada!.socket.id]));
    server.to('red').emit('hello');
    expect(await got(ada!.client)).toEqual([['hello', undefined]]);
  });

  it('accepts numbers as rooms', async () => {
    const { server, join } = await startBareApp();
    const [ada, bob] = await join(2);
    const room = 42 as never; // The types of Socket.IO, too, accept strings only.
    await ada!.socket.join(room);
    await bob!.socket.join([room, 43 as never]);
    server.to(room).emit('number');
    ada!.socket.to([room]).emit('list');
    expect(await got(ada!.client)).toEqual([['number', undefined]]);
    expect((await got(bob!.client)).map(([event]) => event)).toEqual(['number', 'list']);
    await bob!.socket.leave(room);
    server.in(room).socketsLeave(room);
    expect(server.adapter.rooms.has(room)).toBe(false);
  });
});
