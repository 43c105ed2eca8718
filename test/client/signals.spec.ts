import { getEventListeners } from 'node:events';
import { until } from '../support/wait.js';
import { client, connected, next, startTalk } from './fixture.js';

describe('a signal that outlives its streams', () => {
  it('is let go by each when that is over, whatever the reason', async () => {
    const { talk, url } = await startTalk();
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
    const gone = next(socket, 'disconnect');
    talk.last.terminate();
    await gone;
    expect(listening()).toBe(0);
    socket.disconnect();
    await expect(socket.stream('ticks', 1, { signal }).next()).rejects.toThrow('closed');
    expect(listening()).toBe(0);
  });

  it('and is aborted: nothing is asked for', async () => {
    const { url } = await startTalk();
    const socket = client(url, { autoConnect: false, maxQueued: 0 });
    const stream = socket.stream('ticks', 3, { signal: AbortSignal.abort() });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('and ends one that is being waited for', async () => {
    const { talk, url } = await startTalk();
    const socket = await connected(url);
    const stop = new AbortController();
    const stream = socket.stream('forever', undefined, { signal: stop.signal });
    await stream.next();
    stop.abort();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    await until('the end of the source', () => talk.readers === 0);
    expect(socket.connected).toBe(true);
  });
});
