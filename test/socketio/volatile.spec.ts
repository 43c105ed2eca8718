import type { EnvelopeSocket } from '../../lib/index.js';
import { until } from '../support/wait.js';
import { connectPair, startPair, received, startServers } from './fixture.js';

const BULK = 'x'.repeat(4_000_000);

/** Emits more than the kernel accepts at once. The connection is then not writable until the client reads. */
function fillConnection(socket: EnvelopeSocket): void {
  do socket.emit('bulk', BULK);
  while (socket.bufferedAmount === 0);
}

describe('volatile messages', () => {
  it('are delivered while the connection is open and writable', async () => {
    const { app, client, server, socket } = await startPair();
    const other = await connectPair(app, server);
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

  it('are dropped, not queued, while the connection is not writable', async () => {
    const { client, server, socket } = await startPair();
    await socket.join('red');
    fillConnection(socket);
    socket.volatile.emit('dropped', 1);
    server.volatile.emit('dropped', 2);
    server.to('red').volatile.emit('dropped', 3);
    await client.next('bulk');
    expect(await received(client, 'dropped')).toEqual([]);
    await until('the connection has drained', () => socket.bufferedAmount === 0);

    // They are delivered as soon as the connection is writable again.
    socket.volatile.emit('fresh', 4);
    expect(await client.next('fresh')).toEqual({ event: 'fresh', data: 4 });
    expect(await received(client, 'dropped')).toEqual([]);
  });

  it('are dropped for a client that does not read, and delivered to other clients', async () => {
    const { app, servers } = await startServers([{}]);
    const server = servers[0]!;
    const [slow, quick] = [await connectPair(app, server), await connectPair(app, server)];
    slow.client.ws.pause();
    while (slow.socket.bufferedAmount < 1_000_000) {
      slow.socket.emit('bulk', BULK);
      // What the kernel accepts has left the buffer by the next turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
    server.volatile.emit('position', 1);
    expect(await quick.client.next('position')).toEqual({ event: 'position', data: 1 });
    slow.client.ws.resume();
    expect(await received(slow.client, 'position')).toEqual([]);
  });

  it('are dropped after the connection has closed', async () => {
    const { client, server, socket } = await startPair();
    socket.disconnect();
    expect(socket.volatile.emit('late', 1)).toBe(false);
    server.volatile.emit('late', 2);
    await client.ended();
    expect(client.frames).toEqual([]);
  });

  it('time out as a request that was dropped', async () => {
    const { client, socket } = await startPair();
    fillConnection(socket);
    await expect(socket.volatile.timeout(20).emitWithAck('question')).rejects.toThrow(
      'operation has timed out',
    );
    await client.next('bulk');
    expect(await received(client, 'question')).toEqual([]);
  });

  it('do not stop or reorder a regular emit that follows', async () => {
    const { client, server, socket } = await startPair();
    fillConnection(socket);
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
