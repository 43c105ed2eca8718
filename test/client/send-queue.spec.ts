import { DisconnectedError, type ConnectionState } from '../../lib/client/node.js';
import { until } from '../support/wait.js';
import { client, connected, next, startTalk } from './fixture.js';

describe('what a client says while there is no line', () => {
  it('waits for one, in the order of the calls, up to a bound', async () => {
    const { talk, url } = await startTalk();
    const socket = client(url, { autoConnect: false, maxQueued: 3 });
    const sent = ['a', 'b', 'c', 'd'].map((text) => socket.emit('say', text));
    expect(sent).toEqual([true, true, true, false]);
    await expect(socket.emitWithAck('sum', [1])).rejects.toThrow('maxQueued is 3: the queue is full');
    await expect(socket.stream('ticks', 1).next()).rejects.toThrow(DisconnectedError);
    expect(socket.state).toBe('idle');
    socket.connect();
    await next(socket, 'connect');
    expect(await socket.emitWithAck('sum', [1, 2])).toBe(3);
    expect(talk.said).toEqual(['a', 'b', 'c']);
  });

  it('does not wait where it is volatile', async () => {
    const { talk, url } = await startTalk();
    const socket = client(url);
    expect(socket.volatile.emit('say', 'nobody')).toBe(false);
    await next(socket, 'connect');
    expect(socket.volatile.emit('say', 'somebody')).toBe(true);
    await until('it', () => talk.said.length > 0);
    expect(talk.said).toEqual(['somebody']);
  });

  it('is not sent any more when nobody waits for its answer', async () => {
    const { url } = await startTalk();
    const socket = client(url, { autoConnect: false, maxQueued: 1 });
    await expect(socket.timeout(10).emitWithAck('sum', [1])).rejects.toThrow('timed out');
    // its place is free
    expect(socket.emit('say', 'a')).toBe(true);
    const other = client(url, { autoConnect: false, maxQueued: 1 });
    await other.stream('forever').return!();
    expect(other.emit('say', 'a')).toBe(true);
  });

  it('fails at once when the line goes in the middle of a request, and is not sent again', async () => {
    const { talk, url } = await startTalk();
    const socket = await connected(url);
    const asked = socket.emitWithAck('never');
    // it has arrived
    await socket.emitWithAck('sum', []);
    talk.last.terminate();
    await expect(asked).rejects.toThrow(DisconnectedError);
    // the client may not have noticed yet that it is back
    expect(await socket.emitWithAck('sum', [4])).toBe(4);
  });

  it('is dropped when the client says goodbye', async () => {
    const { talk, url } = await startTalk();
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
    expect(talk.said).toEqual([]);
    expect(talk.clients).toHaveLength(1);
    expect(states).toEqual(['closed', 'connecting', 'open']);
  });
});
