import { getEventListeners } from 'node:events';
import { until } from '../support/wait.js';
import { client, connected, next, startServer } from './fixture.js';

describe('a signal that is used for several streams', () => {
  it('has no listener left after each stream has ended, for any reason', async () => {
    const { gateway, url } = await startServer();
    const socket = await connected(url);
    const { signal } = new AbortController();
    const listening = (): number => getEventListeners(signal, 'abort').length;
    for await (const _ of socket.stream('ticks', 3, { signal }));
    for await (const _ of socket.stream('forever', undefined, { signal })) break;
    await expect(socket.stream('broken', undefined, { signal }).next()).rejects.toThrow('out of order');
    expect(listening()).toBe(0);
    const stream = socket.stream('forever', undefined, { signal });
    await stream.next();
    expect(listening()).toBe(1);
    const disconnected = next(socket, 'disconnect');
    gateway.last.terminate();
    await disconnected;
    expect(listening()).toBe(0);
    socket.disconnect();
    await expect(socket.stream('ticks', 1, { signal }).next()).rejects.toThrow('closed');
    expect(listening()).toBe(0);
  });

  it('sends no request if it is aborted already', async () => {
    const { url } = await startServer();
    const socket = client(url, { autoConnect: false, maxQueued: 0 });
    const stream = socket.stream('ticks', 3, { signal: AbortSignal.abort() });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('ends a stream that waits for a value', async () => {
    const { gateway, url } = await startServer();
    const socket = await connected(url);
    const stop = new AbortController();
    const stream = socket.stream('forever', undefined, { signal: stop.signal });
    await stream.next();
    stop.abort();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    await until('the end of the source', () => gateway.readers === 0);
    expect(socket.connected).toBe(true);
  });
});
