import type { RequestError } from '../../lib/client/node.js';
import { deferred, until } from '../support/wait.js';
import { client, next } from './fixture.js';
import { TokenGuard } from './fixture-gateway.js';
import {
  GuardedOrdersGateway,
  startOrders,
  type FromOrders,
  type Order,
  type ToOrders,
} from './subscription-gateway.js';

describe('a subscription', () => {
  it('passes the answer to its listeners, and events follow', async () => {
    const { gateway, open } = await startOrders();
    const socket = open();
    const changes: Order[] = [];
    socket.on('changed', (order) => changes.push(order));
    const order = socket.subscribe('watch', { id: 7 }, { leave: 'unwatch' });
    const answers: Order[] = [];
    order.onAnswer((answer) => answers.push(answer));
    expect(order.state).toBe('pending');
    expect(await order.ready).toEqual({ id: 7, version: 1 });
    expect(order.state).toBe('active');
    expect(await order.ready).toEqual({ id: 7, version: 1 });
    gateway.server.to('order:7').emit('changed', { id: 7, version: 2 });
    await until('the event', () => changes.length === 1);
    order.onAnswer((answer) => answers.push({ ...answer, version: 0 }));
    expect(answers).toEqual([
      { id: 7, version: 1 },
      { id: 7, version: 0 },
    ]);
    order.stop();
    order.stop();
    expect(order.state).toBe('stopped');
    await expect(order.ready).rejects.toThrow('the subscription is stopped');
    await until('the end', () => gateway.log.includes('unwatch 7'));
    expect(gateway.log).toEqual(['watch 7', 'unwatch 7']);
  });

  it('is shared by all that have the same event and data, until the last one stops', async () => {
    const { gateway, open } = await startOrders();
    const socket = open();
    const data = { id: 1 };
    const first = socket.subscribe('watch', data, { leave: 'unwatch' });
    const second = socket.subscribe('watch', { id: 1 });
    data.id = 99;
    await Promise.all([first.ready, second.ready]);
    const answers: Order[] = [];
    const third = socket.subscribe('watch', { id: 1 }).onAnswer((answer) => answers.push(answer));
    expect(third.state).toBe('active');
    expect(answers).toEqual([{ id: 1, version: 1 }]);
    const other = socket.subscribe('watch', { id: 2 }, { leave: 'unwatch' });
    await other.ready;
    first.stop();
    second[Symbol.dispose]();
    other.stop();
    await until('the end of the other', () => gateway.log.includes('unwatch 2'));
    expect(gateway.log).toEqual(['watch 1', 'watch 2', 'unwatch 2']);
    third.stop();
    await until('the end', () => gateway.log.includes('unwatch 1'));
    expect(gateway.log).toEqual(['watch 1', 'watch 2', 'unwatch 2', 'unwatch 1']);
  });

  it('survives stop-and-subscribe in the order of StrictMode', async () => {
    const { gateway, open } = await startOrders();
    const socket = open();
    const marker = socket.subscribe('watch', { id: 2 }, { leave: 'unwatch' });
    const first = socket.subscribe('watch', { id: 1 }, { leave: 'unwatch' });
    first.stop();
    const second = socket.subscribe('watch', { id: 1 }, { leave: 'unwatch' });
    await Promise.all([second.ready, marker.ready]);
    second.stop();
    const answers: Order[] = [];
    const third = socket.subscribe('watch', { id: 1 }, { leave: 'unwatch' });
    third.onAnswer((answer) => answers.push(answer));
    marker.stop();
    await until('the end of the marker', () => gateway.log.includes('unwatch 2'));
    expect(gateway.log).toEqual(['watch 2', 'watch 1', 'unwatch 2']);
    expect(answers).toEqual([{ id: 1, version: 1 }]);
    expect(third.state).toBe('active');
  });

  it('that stops before it was sent sends nothing', async () => {
    const { gateway, open } = await startOrders();
    const socket = open();
    const order = socket.subscribe('watch', { id: 1 }, { leave: 'unwatch' });
    const { ready } = order;
    order.stop();
    await expect(ready).rejects.toMatchObject({ code: 'ERR_ENVELOPE_DISCONNECTED' });
    // the tick after which it is forgotten passes before the connection opens
    await next(socket, 'connect');
    expect(await socket.emitWithAck('log')).toEqual([]);
    expect(gateway.log).toEqual([]);
  });

  it('that stops before its answer leaves after it, and reports no answer', async () => {
    const { gateway, open } = await startOrders();
    const socket = open();
    const { promise, resolve } = deferred();
    gateway.gate = promise;
    const answers: Order[] = [];
    const order = socket.subscribe('watch', { id: 1 }, { leave: 'unwatch' });
    order.onAnswer((answer) => answers.push(answer));
    await until('the request', () => gateway.log.length === 1);
    order.stop();
    const marker = socket.subscribe('watch', { id: 2 });
    await until('the second request', () => gateway.log.length === 2);
    resolve();
    await marker.ready;
    await until('the end', () => gateway.log.includes('unwatch 1'));
    expect(answers).toEqual([]);
    await until('the room is left', () => !gateway.last.rooms.has('order:1'));
  });

  it('reports a refusal, and tries again on the next connection', async () => {
    const { gateway, open } = await startOrders();
    gateway.refused.add(1);
    const socket = open();
    const errors: RequestError[] = [];
    const order = socket.subscribe('watch', { id: 1 }, { leave: 'unwatch' });
    order.onError((error) => errors.push(error));
    await expect(order.ready).rejects.toMatchObject({ name: 'RequestError', message: 'not yours' });
    expect(order.state).toBe('refused');
    await expect(order.ready).rejects.toThrow('not yours');
    order.onError((error) => errors.push(error));
    expect(errors.map(({ message }) => message)).toEqual(['not yours', 'not yours']);
    gateway.refused.clear();
    const connected = next(socket, 'connect');
    gateway.last.terminate();
    await connected;
    expect(await order.ready).toEqual({ id: 1, version: 1 });
  });

  it('reports a refusal, and tries again after reauthenticate()', async () => {
    TokenGuard.tokens.clear();
    TokenGuard.tokens.set('one', { id: 'ada' });
    const { gateway, open } = await startOrders({}, GuardedOrdersGateway);
    gateway.refused.add(1);
    const socket = open({ auth: 'one' });
    const order = socket.subscribe('watch', { id: 1 });
    const allowed = socket.subscribe('watch', { id: 2 });
    await expect(order.ready).rejects.toThrow('not yours');
    await allowed.ready;
    gateway.refused.clear();
    await socket.reauthenticate();
    expect(await order.ready).toEqual({ id: 1, version: 1 });
    expect(gateway.log).toEqual(['watch 1', 'watch 2', 'watch 1']);
  });

  it('that is refused and stopped does not leave', async () => {
    const { gateway, open } = await startOrders();
    gateway.refused.add(1);
    const socket = open();
    const order = socket.subscribe('watch', { id: 1 }, { leave: 'unwatch' });
    const marker = socket.subscribe('watch', { id: 2 }, { leave: 'unwatch' });
    await marker.ready;
    await expect(order.ready).rejects.toThrow('not yours');
    order.stop();
    marker.stop();
    await until('the end of the marker', () => gateway.log.includes('unwatch 2'));
    expect(gateway.log).toEqual(['watch 1', 'watch 2', 'unwatch 2']);
  });

  it('is requested again after a pause when the server has no time', async () => {
    const { gateway, open } = await startOrders({
      adapter: { limits: { messagesPerSecond: 40, messageBurst: 10 } },
    });
    const socket = open();
    const orders = Array.from({ length: 20 }, (_, id) => socket.subscribe('watch', { id }));
    const errors: RequestError[] = [];
    for (const order of orders) order.onError((error) => errors.push(error));
    await Promise.all(orders.map(({ ready }) => ready));
    expect(errors).toEqual([]);
    expect(new Set(gateway.log).size).toBe(20);
    expect(gateway.clients).toHaveLength(1);
  });

  it('leaves once more after a pause when the server has no time', async () => {
    const { gateway, open } = await startOrders({
      adapter: { limits: { messagesPerSecond: 2, messageBurst: 10 } },
    });
    const socket = open();
    const order = socket.subscribe('watch', { id: 1 }, { leave: 'unwatch' });
    await order.ready;
    for (let i = 0; i < 20; i++) socket.emit('note', `${i}`);
    order.stop();
    await until('the end', () => !gateway.last.rooms.has('order:1'));
    expect(gateway.clients).toHaveLength(1);
  });

  it('stays within what a server refuses, however many are requested again', async () => {
    const { gateway, open } = await startOrders({
      // it closes the connection after a hundred refusals, or more over several seconds
      adapter: { limits: { messagesPerSecond: 300, messageBurst: 10 } },
    });
    const socket = open({ reconnectionDelay: 100, reconnectionDelayMax: 500 });
    const orders = Array.from({ length: 300 }, (_, id) => socket.subscribe('watch', { id }));
    await Promise.all(orders.map(({ ready }) => ready));
    expect(new Set(gateway.log).size).toBe(300);
    expect(gateway.clients).toHaveLength(1);
  });

  it('is requested again after a timeout', async () => {
    const { gateway, open } = await startOrders();
    const { promise, resolve } = deferred();
    gateway.gate = promise;
    const socket = open({ ackTimeout: 50 });
    const order = socket.subscribe('watch', { id: 1 });
    await until('the second request', () => gateway.log.length === 2);
    expect(order.state).toBe('pending');
    gateway.gate = Promise.resolve();
    expect(await order.ready).toEqual({ id: 1, version: 1 });
    resolve();
  });

  it('requests a new answer for all its holders on refresh()', async () => {
    const { gateway, open } = await startOrders();
    const socket = open();
    const versions: number[][] = [[], []];
    const first = socket.subscribe('watch', { id: 1 }).onAnswer(({ version }) => versions[0]!.push(version));
    await first.ready;
    const second = socket.subscribe('watch', { id: 1 }).onAnswer(({ version }) => versions[1]!.push(version));
    gateway.version = 2;
    second.refresh();
    expect(first.state).toBe('pending');
    expect(await first.ready).toEqual({ id: 1, version: 2 });
    expect(versions).toEqual([
      [1, 2],
      [1, 2],
    ]);
    second.stop();
    second.refresh();
    expect(first.state).toBe('active');
  });

  it('ignores the answer that is under way on refresh(), and stays within its 50 requests', async () => {
    const { gateway, open } = await startOrders();
    const socket = open();
    const { promise, resolve } = deferred();
    gateway.gate = promise;
    const answers: Order[] = [];
    const order = socket.subscribe('watch', { id: 1 }).onAnswer((answer) => answers.push(answer));
    await until('the request', () => gateway.log.length === 1);
    for (let count = 2; count <= 120; count++) order.refresh();
    await until('the last request', () => gateway.log.length === 120);
    resolve();
    await order.ready;
    await socket.emitWithAck('log');
    expect(answers).toHaveLength(1);
  });

  it('is requested on the next connection where refresh() was called without one', async () => {
    const { gateway, open } = await startOrders({ adapter: { recovery: true } });
    const socket = open();
    const changes: Order[] = [];
    socket.on('changed', (change) => changes.push(change));
    const order = socket.subscribe('watch', { id: 1 });
    await order.ready;
    gateway.server.to('order:1').emit('changed', { id: 1, version: 2 });
    await until('the event', () => changes.length === 1);
    const disconnected = next(socket, 'disconnect');
    gateway.last.request.socket.destroy();
    await disconnected;
    gateway.version = 3;
    order.refresh();
    expect(await order.ready).toEqual({ id: 1, version: 3 });
    expect(socket.recovered).toBe(true);
  });

  it('is one of at most maxSubscriptions', async () => {
    const { open } = await startOrders();
    const socket = open({ maxSubscriptions: 2 });
    const first = socket.subscribe('watch', { id: 1 });
    socket.subscribe('watch', { id: 2 });
    socket.subscribe('watch', { id: 2 });
    expect(() => socket.subscribe('watch', { id: 3 })).toThrow(
      expect.objectContaining({
        code: 'ERR_ENVELOPE_SUBSCRIPTION_LIMIT',
        message: 'maxSubscriptions is 2: stop a subscription before the next one',
      }),
    );
    first.stop();
    const third = socket.subscribe('watch', { id: 3 });
    expect(() => socket.subscribe('watch', { id: 1 })).toThrow('maxSubscriptions is 2');
    expect(await third.ready).toEqual({ id: 3, version: 1 });
  });

  it('takes only names and data that can be sent', () => {
    const socket = client<FromOrders, ToOrders>('ws://127.0.0.1:9', { autoConnect: false });
    expect(() => socket.subscribe('connect' as never)).toThrow('"connect" is a reserved event name');
    expect(() => socket.subscribe('watch', { id: 1 }, { leave: '$leave' as never })).toThrow('"$leave"');
    expect(() => socket.subscribe('watch', { id: NaN })).toThrow('watch');
  });
});
