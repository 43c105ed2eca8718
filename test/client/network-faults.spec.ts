import { WebSocket } from 'ws';
import { DisconnectedError } from '../../lib/client/node.js';
import { until } from '../support/wait.js';
import { behind, client, connected, next, startTalk } from './fixture.js';

/** Silence until the client asks, and what it waits then. */
const LIVELY = { pingInterval: 150, pingTimeout: 150, connectTimeout: 200 };

describe('a client whose server restarts', () => {
  it('comes back, and sends what was said meanwhile once, in order', async () => {
    const { app, talk, url, line } = await behind(await startTalk());
    const socket = await connected(url);
    socket.emit('say', 'before');
    await socket.emitWithAck('sum', []);
    expect(talk.said).toEqual(['before']);
    const gone = next(socket, 'disconnect');
    // while it shuts down it would ask for five seconds
    line.isRefusing = true;
    await app.close();
    expect(await gone).toEqual([
      'transport close',
      { code: 1001, reason: expect.any(String), willReconnect: true },
    ]);
    expect(socket).toMatchObject({ id: undefined, connected: false });
    for (const text of ['one', 'two', 'three']) expect(socket.emit('say', text)).toBe(true);
    const sum = socket.emitWithAck('sum', [1, 2]);
    expect(socket.volatile.emit('say', 'dropped')).toBe(false);
    await next(socket, 'connect_error');
    const again = await startTalk();
    line.target = again.app.port;
    line.isRefusing = false;
    expect(await next(socket, 'connect')).toEqual([{ missed: true }]);
    expect(await sum).toBe(3);
    expect(again.talk.said).toEqual(['one', 'two', 'three']);
    expect(talk.said).toEqual(['before']);
    expect(socket.id).toBe(again.talk.last.id);
  });

  it('comes back where nobody listened for a while', async () => {
    const { talk, url, line } = await behind(await startTalk());
    const socket = await connected(url);
    line.isRefusing = true;
    line.cut();
    expect(await next(socket, 'disconnect')).toMatchObject([
      'transport close',
      { code: 1006, willReconnect: true },
    ]);
    for (let failed = 0; failed < 3; failed++) {
      const [error] = await next(socket, 'connect_error');
      expect(error).toMatchObject({ name: 'ConnectError', code: 1006, willReconnect: true });
    }
    line.isRefusing = false;
    await next(socket, 'connect');
    expect(await socket.emitWithAck('sum', [4])).toBe(4);
    expect(talk.clients.length).toBe(2);
  });
});

describe('a client whose line breaks', () => {
  it('does not take half a message for one', async () => {
    const { talk, url, line } = await behind(await startTalk());
    const socket = await connected(url);
    const heard: string[] = [];
    socket.on('said', (text) => heard.push(text));
    line.cutAfter(5_000, 'down');
    talk.last.emit('said', 'x'.repeat(10_000));
    expect(await next(socket, 'disconnect')).toMatchObject(['transport close', { code: 1006 }]);
    await next(socket, 'connect');
    talk.last.emit('said', 'whole');
    await socket.emitWithAck('sum', []);
    expect(heard).toEqual(['whole']);
  });

  it('does not send again what was cut in the middle, nor says that it arrived', async () => {
    const { talk, url, line } = await behind(await startTalk());
    const socket = await connected(url);
    const back = next(socket, 'disconnect').then(() => next(socket, 'connect'));
    line.cutAfter(5_000, 'up');
    socket.emit('say', 'x'.repeat(10_000));
    const sum = socket.emitWithAck('sum', [1]);
    await expect(sum).rejects.toThrow(DisconnectedError);
    await expect(sum).rejects.toThrow('connection lost: transport close, 1006');
    await back;
    expect(await socket.emitWithAck('sum', [2])).toBe(2);
    expect(talk.said).toEqual([]);
  });

  it('fails what was asked, and the streams that were read, at once', async () => {
    const { talk, url, line } = await behind(await startTalk());
    const socket = await connected(url, { reconnectionDelay: 10_000, reconnectionDelayMax: 10_000 });
    const stream = socket.stream('forever');
    await stream.next();
    const asked = [socket.emitWithAck('never'), socket.timeout(60_000).emitWithAck('never')];
    const called = new Promise((resolve) => socket.timeout(60_000).emit('never', resolve));
    await socket.emitWithAck('sum', []);
    line.cut();
    for (const request of asked) await expect(request).rejects.toThrow(DisconnectedError);
    expect(await called).toBeInstanceOf(DisconnectedError);
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toThrow(DisconnectedError);
    await until('the end of the source', () => talk.readers === 0);
    // what is asked now waits for a line, not for the pause to be over
    const later = socket.emitWithAck('sum', [5]);
    socket.connect();
    expect(await later).toBe(5);
  });
});

describe('a client whose network stands still', () => {
  it('notices by itself, and comes back with what was said meanwhile', async () => {
    const { talk, url, line } = await behind(await startTalk());
    const socket = await connected(url, LIVELY);
    const gone = next(socket, 'disconnect');
    line.stall();
    const began = performance.now();
    socket.emit('say', 'into the void');
    await expect(socket.emitWithAck('sum', [1])).rejects.toThrow(DisconnectedError);
    const noticed = performance.now() - began;
    expect(await gone).toMatchObject(['ping timeout', { code: 4408, willReconnect: true }]);
    expect(noticed).toBeGreaterThanOrEqual(LIVELY.pingTimeout - 5);
    // the rest is what a busy machine takes
    expect(noticed).toBeLessThan(LIVELY.pingInterval + LIVELY.pingTimeout + 1_000);
    socket.emit('say', 'one');
    socket.emit('say', 'two');
    const sum = socket.emitWithAck('sum', [3, 4]);
    const [error] = await next(socket, 'connect_error');
    expect(error).toMatchObject({ message: 'could not connect: no connection within 200 ms', code: 1006 });
    line.resume();
    await next(socket, 'connect');
    expect(await sum).toBe(7);
    const sent = talk.said.filter((text) => text !== 'into the void');
    expect(sent).toEqual(['one', 'two']);
    expect(talk.said.length).toBeLessThanOrEqual(3);
    await until('the server has let go of the other lines', () => talk.server.clients.size === 1);
  });

  it('stays where the network is only slow', async () => {
    const { url, line } = await behind(await startTalk());
    const socket = await connected(url, { pingInterval: 20, pingTimeout: 2_000 });
    const states: string[] = [];
    socket.onState((state) => states.push(state));
    line.delay = 40;
    const sums = await Promise.all([1, 2, 3].map((number) => socket.emitWithAck('sum', [number])));
    expect(sums).toEqual([1, 2, 3]);
    for (let i = 0; i < 3; i++) await socket.emitWithAck('sum', []);
    expect(states).toEqual([]);
  });

  it('gives up an attempt that nobody answers', async () => {
    const { url, line } = await behind(await startTalk());
    line.stall();
    const socket = client(url, { connectTimeout: 100 });
    for (let attempt = 0; attempt < 2; attempt++) {
      const [error] = await next(socket, 'connect_error');
      expect(error).toMatchObject({ message: 'could not connect: no connection within 100 ms' });
    }
    line.resume();
    await next(socket, 'connect');
    expect(await socket.emitWithAck('sum', [1])).toBe(1);
  });
});

describe('a client whose line is being closed', () => {
  it('keeps for the next one what nobody would read on that', async () => {
    const { talk, url, line } = await behind(await startTalk());
    const lines: WebSocket[] = [];
    class Watched extends WebSocket {
      constructor(address: string, protocols: string[]) {
        super(address, protocols);
        lines.push(this);
      }
    }
    const socket = await connected(url, { WebSocket: Watched as never });
    // the server hangs up when the client has said goodbye, too
    line.delay = 100;
    talk.last.ws.close(1012);
    await until('the goodbye', () => lines[0]!.readyState === WebSocket.CLOSING);
    expect(socket.state).toBe('open');
    expect(socket.emit('say', 'late')).toBe(true);
    expect(socket.volatile.emit('say', 'too late')).toBe(false);
    const sum = socket.emitWithAck('sum', [1, 2]);
    const ticks = socket.stream('ticks', 1);
    expect(await next(socket, 'disconnect')).toMatchObject(['transport close', { code: 1012 }]);
    line.delay = 0;
    expect(await sum).toBe(3);
    expect(await ticks.next()).toEqual({ done: false, value: 0 });
    expect(talk.said).toEqual(['late']);
  });
});
