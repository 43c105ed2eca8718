import type { EnvelopeSocket } from '../../../lib/index.js';
import { until } from '../../support/wait.js';
import { meet, meetOne, received, serve } from './support.js';

const BULK = 'x'.repeat(4_000_000);

/** Emits more than the kernel takes at once: on return the line is not writable, until the client has read. */
function choke(socket: EnvelopeSocket): void {
  do socket.emit('bulk', BULK);
  while (socket.bufferedAmount === 0);
}

describe('volatile', () => {
  it('43. volatile.emit arrives when the line is open and writable', async () => {
    const { app, client, server, socket } = await meetOne();
    const other = await meet(app, server);
    await socket.join('red');
    expect(socket.volatile.emit('direct', 1)).toBe(true);
    server.volatile.emit('to all', 2);
    server.to('red').volatile.emit('to red', 3);
    other.socket.volatile.to('red').emit('from another', 4);
    const question = socket.volatile.emitWithAck('question', 5);
    const data = async (event: string): Promise<unknown> => (await client.next(event)).data;
    expect(await data('direct')).toBe(1);
    expect(await data('to all')).toBe(2);
    expect(await data('to red')).toBe(3);
    expect(await data('from another')).toBe(4);
    client.send({ ack: (await client.next('question')).id!, data: 6 });
    expect(await question).toBe(6);
  });

  it('44. volatile.emit is dropped, never queued, while the line is not writable', async () => {
    const { client, server, socket } = await meetOne();
    await socket.join('red');
    choke(socket);
    socket.volatile.emit('dropped', 1);
    server.volatile.emit('dropped', 2);
    server.to('red').volatile.emit('dropped', 3);
    await client.next('bulk');
    expect(await received(client, 'dropped')).toEqual([]);
    await until('the line has drained', () => socket.bufferedAmount === 0);

    // and when it is writable again, they arrive
    socket.volatile.emit('fresh', 4);
    expect(await client.next('fresh')).toEqual({ event: 'fresh', data: 4 });
    expect(await received(client, 'dropped')).toEqual([]);
  });

  it('44. a client that does not read misses it, others get it', async () => {
    const { app, servers } = await serve([{}]);
    const server = servers[0]!;
    const [slow, quick] = [await meet(app, server), await meet(app, server)];
    slow.client.ws.pause();
    while (slow.socket.bufferedAmount < 1_000_000) {
      slow.socket.emit('bulk', BULK);
      // what the kernel takes it takes by the next turn
      await new Promise((resolve) => setImmediate(resolve));
    }
    server.volatile.emit('position', 1);
    expect(await quick.client.next('position')).toEqual({ event: 'position', data: 1 });
    slow.client.ws.resume();
    expect(await received(slow.client, 'position')).toEqual([]);
  });

  it('44. it is dropped also when the line has closed', async () => {
    const { client, server, socket } = await meetOne();
    socket.disconnect();
    expect(socket.volatile.emit('late', 1)).toBe(false);
    server.volatile.emit('late', 2);
    await client.ended();
    expect(client.frames).toEqual([]);
  });

  it('44. a question that was dropped fails with its timeout', async () => {
    const { client, socket } = await meetOne();
    choke(socket);
    await expect(socket.volatile.timeout(20).emitWithAck('question')).rejects.toThrow(
      'operation has timed out',
    );
    await client.next('bulk');
    expect(await received(client, 'question')).toEqual([]);
  });

  it('46. a regular emit after a dropped volatile one still arrives, in its turn', async () => {
    const { client, server, socket } = await meetOne();
    choke(socket);
    socket.volatile.emit('dropped', 1);
    socket.emit('regular', 2);
    server.volatile.emit('dropped', 3);
    server.emit('regular', 4);
    await client.settled();
    const others = client.frames.filter(({ event }) => event !== 'bulk' && event !== '$ping');
    expect(others).toEqual([
      { event: 'regular', data: 2 },
      { event: 'regular', data: 4 },
    ]);
    expect(client.frames[0]!.event).toBe('bulk');
    expect(await received(client, 'dropped')).toEqual([]);
  });
});
