import { DisconnectedError, type ConnectionState } from '../../lib/client/node.js';
import { until } from '../support/wait.js';
import { client, connected, next, startServer } from './fixture.js';

describe('a message without a connection', () => {
  it('is queued in order, up to maxQueued', async () => {
    const { gateway, url } = await startServer();
    const socket = client(url, { autoConnect: false, maxQueued: 3 });
    const sent = ['a', 'b', 'c', 'd'].map((text) => socket.emit('say', text));
    expect(sent).toEqual([true, true, true, false]);
    await expect(socket.emitWithAck('sum', [1])).rejects.toThrow('maxQueued is 3: the queue is full');
    await expect(socket.stream('ticks', 1).next()).rejects.toThrow(DisconnectedError);
    expect(socket.state).toBe('idle');
    socket.connect();
    await next(socket, 'connect');
    expect(await socket.emitWithAck('sum', [1, 2])).toBe(3);
    expect(gateway.said).toEqual(['a', 'b', 'c']);
  });

  it('is not queued if it is volatile', async () => {
    const { gateway, url } = await startServer();
    const socket = client(url);
    expect(socket.volatile.emit('say', 'dropped')).toBe(false);
    await next(socket, 'connect');
    expect(socket.volatile.emit('say', 'delivered')).toBe(true);
    await until('the message', () => gateway.said.length > 0);
    expect(gateway.said).toEqual(['delivered']);
  });

  it('leaves the queue when its request times out or its stream is closed', async () => {
    const { url } = await startServer();
    const socket = client(url, { autoConnect: false, maxQueued: 1 });
    await expect(socket.timeout(10).emitWithAck('sum', [1])).rejects.toThrow('timed out');
    // Its place in the queue is free.
    expect(socket.emit('say', 'a')).toBe(true);
    const other = client(url, { autoConnect: false, maxQueued: 1 });
    await other.stream('forever').return!();
    expect(other.emit('say', 'a')).toBe(true);
  });

  it('is not resent if the connection breaks during a request, which fails at once', async () => {
    const { gateway, url } = await startServer();
    const socket = await connected(url);
    const asked = socket.emitWithAck('never');
    // The request has arrived.
    await socket.emitWithAck('sum', []);
    gateway.last.terminate();
    await expect(asked).rejects.toThrow(DisconnectedError);
    // The client may not have detected the disconnect yet.
    expect(await socket.emitWithAck('sum', [4])).toBe(4);
  });

  it('is dropped in disconnect()', async () => {
    const { gateway, url } = await startServer();
    const socket = client(url);
    socket.emit('say', 'never');
    const asked = socket.emitWithAck('sum', [1]);
    const states: ConnectionState[] = [];
    socket.onState((state) => states.push(state));
    socket.disconnect();
    await expect(asked).rejects.toThrow(DisconnectedError);
    expect(socket.emit('say', 'never')).toBe(false);
    await expect(socket.emitWithAck('sum', [1])).rejects.toThrow('the connection is closed');
    socket.connect();
    await next(socket, 'connect');
    await socket.emitWithAck('sum', []);
    expect(gateway.said).toEqual([]);
    expect(gateway.clients).toHaveLength(1);
    expect(states).toEqual(['closed', 'connecting', 'open']);
  });
});
