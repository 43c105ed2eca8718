import { deferred, until } from '../support/wait.js';
import { faultyNetworkTo, client, next } from './fixture.js';
import { startOrders, type FromOrders, type Order, type ToOrders } from './subscription-gateway.js';

describe('subscriptions on a new connection', () => {
  it('are requested again, in their order, before what was queued', async () => {
    const { gateway, open } = await startOrders();
    const socket = open();
    const answers: Order[] = [];
    const orders = [3, 1, 2].map((id) =>
      socket.subscribe('watch', { id }).onAnswer((answer) => answers.push(answer)),
    );
    await Promise.all(orders.map(({ ready }) => ready));
    gateway.log.length = 0;
    gateway.version = 2;
    const disconnected = next(socket, 'disconnect');
    gateway.last.terminate();
    await disconnected;
    expect(orders.map(({ state }) => state)).toEqual(['pending', 'pending', 'pending']);
    socket.emit('note', 'queued');
    orders.push(socket.subscribe('watch', { id: 4 }));
    await Promise.all(orders.map(({ ready }) => ready));
    expect(await socket.emitWithAck('log')).toEqual(['watch 3', 'watch 1', 'watch 2', 'watch 4', 'queued']);
    expect(answers.map(({ id, version }) => [id, version])).toEqual([
      ...[3, 1, 2].map((id) => [id, 1]),
      ...[3, 1, 2].map((id) => [id, 2]),
    ]);
  });

  it('survive cuts in the middle of their requests', async () => {
    const { gateway, open } = await startOrders();
    const socket = open();
    const answers: Order[] = [];
    const orders = [1, 2].map((id) =>
      socket.subscribe('watch', { id }).onAnswer((answer) => answers.push(answer)),
    );
    await Promise.all(orders.map(({ ready }) => ready));
    const { promise, resolve } = deferred();
    gateway.gate = promise;
    for (let cut = 1; cut <= 2; cut++) {
      gateway.last.terminate();
      await until('the requests', () => gateway.log.length === 2 + 2 * cut);
    }
    expect(orders.map(({ state }) => state)).toEqual(['pending', 'pending']);
    gateway.gate = Promise.resolve();
    gateway.last.terminate();
    await Promise.all(orders.map(({ ready }) => ready));
    resolve();
    expect(gateway.log).toHaveLength(8);
    expect(answers.map(({ id }) => id)).toEqual([1, 2, 1, 2]);
    expect([...gateway.last.rooms]).toEqual(expect.arrayContaining(['order:1', 'order:2']));
  });

  it('are requested on a server that was restarted', async () => {
    const before = await startOrders();
    const network = await faultyNetworkTo(before.app.port);
    const socket = client<FromOrders, ToOrders>(before.app.url('/orders', network.port));
    const order = socket.subscribe('watch', { id: 1 });
    await order.ready;
    const after = await startOrders();
    after.gateway.version = 2;
    network.target = after.app.port;
    const connected = next(socket, 'connect');
    await before.app.close();
    await connected;
    expect(await order.ready).toEqual({ id: 1, version: 2 });
  });

  it('that were stopped meanwhile are forgotten', async () => {
    const { gateway, open } = await startOrders();
    const socket = open();
    const stopped = socket.subscribe('watch', { id: 1 }, { leave: 'unwatch' });
    const order = socket.subscribe('watch', { id: 2 });
    await Promise.all([stopped.ready, order.ready]);
    gateway.log.length = 0;
    const disconnected = next(socket, 'disconnect');
    gateway.last.terminate();
    await disconnected;
    stopped.stop();
    await order.ready;
    expect(await socket.emitWithAck('log')).toEqual(['watch 2']);
  });

  it('wait for connect() after disconnect()', async () => {
    const { gateway, open } = await startOrders({ adapter: { recovery: true } });
    const socket = open();
    const order = socket.subscribe('watch', { id: 1 }, { leave: 'unwatch' });
    await order.ready;
    socket.disconnect();
    expect(order.state).toBe('pending');
    const later = socket.subscribe('watch', { id: 2 });
    expect(later.state).toBe('pending');
    socket.connect();
    await Promise.all([order.ready, later.ready]);
    expect(gateway.log).toEqual(['watch 1', 'watch 1', 'watch 2']);
  });

  it('all 1,000 stay within the burst of the server, 50 requests at first', async () => {
    const { gateway, open } = await startOrders();
    const socket = open();
    const orders = Array.from({ length: 1_000 }, (_, id) => socket.subscribe('watch', { id }));
    await Promise.all(orders.map(({ ready }) => ready));
    gateway.log.length = 0;
    const { promise, resolve } = deferred();
    gateway.gate = promise;
    gateway.last.terminate();
    await until('the first requests', () => gateway.log.length === 50);
    expect(orders.every(({ state }) => state === 'pending')).toBe(true);
    // the server has handled what arrived before this request
    expect(await socket.emitWithAck('log')).toHaveLength(50);
    resolve();
    await Promise.all(orders.map(({ ready }) => ready));
    expect(gateway.log).toEqual(Array.from({ length: 1_000 }, (_, id) => `watch ${id}`));
    expect(gateway.clients).toHaveLength(2);
  });
});

describe('subscriptions of a recovered session', () => {
  it('are not requested again, and their rooms are there', async () => {
    const { gateway, open } = await startOrders({ adapter: { recovery: true } });
    const socket = open();
    const changes: Order[] = [];
    socket.on('changed', (order) => changes.push(order));
    const answers: Order[] = [];
    const order = socket.subscribe('watch', { id: 1 }).onAnswer((answer) => answers.push(answer));
    await order.ready;
    // a session is recovered from the offset of an event
    gateway.server.to('order:1').emit('changed', { id: 1, version: 2 });
    await until('the event', () => changes.length === 1);
    const disconnected = next(socket, 'disconnect');
    gateway.last.request.socket.destroy();
    await disconnected;
    expect(order.state).toBe('pending');
    gateway.server.to('order:1').emit('changed', { id: 1, version: 3 });
    const later = socket.subscribe('watch', { id: 2 });
    await later.ready;
    expect(socket.recovered).toBe(true);
    expect(order.state).toBe('active');
    await until('the missed event', () => changes.length === 2);
    expect(gateway.log).toEqual(['watch 1', 'watch 2']);
    expect(answers).toEqual([{ id: 1, version: 1 }]);
  });

  it('that were stopped meanwhile leave', async () => {
    const { gateway, open } = await startOrders({ adapter: { recovery: true } });
    const socket = open();
    const changes: Order[] = [];
    socket.on('changed', (order) => changes.push(order));
    const order = socket.subscribe('watch', { id: 1 }, { leave: 'unwatch' });
    const kept = socket.subscribe('watch', { id: 2 }, { leave: 'unwatch' });
    await Promise.all([order.ready, kept.ready]);
    gateway.server.to('order:1').emit('changed', { id: 1, version: 2 });
    await until('the event', () => changes.length === 1);
    const disconnected = next(socket, 'disconnect');
    gateway.last.request.socket.destroy();
    await disconnected;
    order.stop();
    kept.stop();
    const again = socket.subscribe('watch', { id: 2 }, { leave: 'unwatch' });
    await next(socket, 'connect');
    expect(socket.recovered).toBe(true);
    await until('the end', () => !gateway.last.rooms.has('order:1'));
    expect(gateway.log).toEqual(['watch 1', 'watch 2', 'unwatch 1']);
    expect(again.state).toBe('active');
  });

  it('leave once more if the first time was lost with the connection', async () => {
    const { gateway, app } = await startOrders({ adapter: { recovery: true } });
    const network = await faultyNetworkTo(app.port);
    const socket = client<FromOrders, ToOrders>(app.url('/orders', network.port));
    const changes: Order[] = [];
    socket.on('changed', (order) => changes.push(order));
    const order = socket.subscribe('watch', { id: 1 }, { leave: 'unwatch' });
    await order.ready;
    gateway.server.to('order:1').emit('changed', { id: 1, version: 2 });
    await until('the event', () => changes.length === 1);
    const connected = next(socket, 'connect');
    network.cutAfter(1, 'up');
    order.stop();
    await connected;
    expect(socket.recovered).toBe(true);
    await until('the end', () => !gateway.last.rooms.has('order:1'));
    expect(gateway.log).toEqual(['watch 1', 'unwatch 1']);
    const again = socket.subscribe('watch', { id: 1 }, { leave: 'unwatch' });
    await again.ready;
    expect(gateway.log).toEqual(['watch 1', 'unwatch 1', 'watch 1']);
  });

  it('are requested again if their answer was lost', async () => {
    const { gateway, open } = await startOrders({ adapter: { recovery: true } });
    const socket = open();
    const changes: Order[] = [];
    socket.on('changed', (order) => changes.push(order));
    await next(socket, 'connect');
    gateway.server.emit('changed', { id: 0, version: 1 });
    await until('the event', () => changes.length === 1);
    const { promise, resolve } = deferred();
    gateway.gate = promise;
    const order = socket.subscribe('watch', { id: 1 }, { leave: 'unwatch' });
    await until('the request', () => gateway.log.length === 1);
    const connected = next(socket, 'connect');
    gateway.last.request.socket.destroy();
    await connected;
    expect(socket.recovered).toBe(true);
    resolve();
    expect(await order.ready).toEqual({ id: 1, version: 1 });
    expect(gateway.log).toEqual(['watch 1', 'watch 1']);
  });
});
