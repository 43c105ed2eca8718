import { WebSocket } from 'ws';
import { DisconnectedError } from '../../lib/client/node.js';
import { until } from '../support/wait.js';
import { behindFaultyNetwork, client, connected, next, startServer } from './fixture.js';

describe('a client whose server restarts', () => {
  it('reconnects and sends each queued message once, in order', async () => {
    const { app, gateway, url, network } = await behindFaultyNetwork(await startServer());
    const socket = await connected(url);
    socket.emit('say', 'before');
    await socket.emitWithAck('sum', []);
    expect(gateway.said).toEqual(['before']);
    const disconnected = next(socket, 'disconnect');
    // A refused connection avoids the Retry-After of five seconds that a closing server sends.
    network.isRefusing = true;
    await app.close();
    expect(await disconnected).toEqual([
      'transport close',
      { code: 1001, reason: expect.any(String), willReconnect: true },
    ]);
    expect(socket).toMatchObject({ id: undefined, connected: false });
    for (const text of ['one', 'two', 'three']) expect(socket.emit('say', text)).toBe(true);
    const sum = socket.emitWithAck('sum', [1, 2]);
    expect(socket.volatile.emit('say', 'dropped')).toBe(false);
    await next(socket, 'connect_error');
    const again = await startServer();
    network.target = again.app.port;
    network.isRefusing = false;
    expect(await next(socket, 'connect')).toEqual([{ missed: true }]);
    expect(await sum).toBe(3);
    expect(again.gateway.said).toEqual(['one', 'two', 'three']);
    expect(gateway.said).toEqual(['before']);
    expect(socket.id).toBe(again.gateway.last.id);
  });

  it('reconnects when no server listened for some time', async () => {
    const { gateway, url, network } = await behindFaultyNetwork(await startServer());
    const socket = await connected(url);
    network.isRefusing = true;
    network.cut();
    expect(await next(socket, 'disconnect')).toMatchObject([
      'transport close',
      { code: 1006, willReconnect: true },
    ]);
    for (let failed = 0; failed < 3; failed++) {
      const [error] = await next(socket, 'connect_error');
      expect(error).toMatchObject({ name: 'ConnectError', code: 1006, willReconnect: true });
    }
    network.isRefusing = false;
    await next(socket, 'connect');
    expect(await socket.emitWithAck('sum', [4])).toBe(4);
    expect(gateway.clients.length).toBe(2);
  });
});

describe('a client whose connection breaks', () => {
  it('does not deliver a truncated message', async () => {
    const { gateway, url, network } = await behindFaultyNetwork(await startServer());
    const socket = await connected(url);
    const received: string[] = [];
    socket.on('said', (text) => received.push(text));
    network.cutAfter(5_000, 'down');
    gateway.last.emit('said', 'x'.repeat(10_000));
    expect(await next(socket, 'disconnect')).toMatchObject(['transport close', { code: 1006 }]);
    await next(socket, 'connect');
    gateway.last.emit('said', 'whole');
    await socket.emitWithAck('sum', []);
    expect(received).toEqual(['whole']);
  });

  it('does not resend a truncated message or report it as delivered', async () => {
    const { gateway, url, network } = await behindFaultyNetwork(await startServer());
    const socket = await connected(url);
    const reconnected = next(socket, 'disconnect').then(() => next(socket, 'connect'));
    network.cutAfter(5_000, 'up');
    socket.emit('say', 'x'.repeat(10_000));
    const sum = socket.emitWithAck('sum', [1]);
    await expect(sum).rejects.toThrow(DisconnectedError);
    await expect(sum).rejects.toThrow('connection lost: transport close, 1006');
    await reconnected;
    expect(await socket.emitWithAck('sum', [2])).toBe(2);
    expect(gateway.said).toEqual([]);
  });

  it('rejects pending requests and streams at once', async () => {
    const { gateway, url, network } = await behindFaultyNetwork(await startServer());
    const socket = await connected(url, { reconnectionDelay: 10_000, reconnectionDelayMax: 10_000 });
    const stream = socket.stream('forever');
    await stream.next();
    const asked = [socket.emitWithAck('never'), socket.timeout(60_000).emitWithAck('never')];
    const called = new Promise((resolve) => socket.timeout(60_000).emit('never', resolve));
    await socket.emitWithAck('sum', []);
    network.cut();
    for (const request of asked) await expect(request).rejects.toThrow(DisconnectedError);
    expect(await called).toBeInstanceOf(DisconnectedError);
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toThrow(DisconnectedError);
    await until('the end of the source', () => gateway.readers === 0);
    // A new request waits for a connection and does not fail during the delay.
    const later = socket.emitWithAck('sum', [5]);
    socket.connect();
    expect(await later).toBe(5);
  });
});

describe('a client whose network stalls', () => {
  it('stays connected on a slow network', async () => {
    const { url, network } = await behindFaultyNetwork(await startServer());
    const socket = await connected(url, { pingInterval: 20, pingTimeout: 2_000 });
    const states: string[] = [];
    socket.onState((state) => states.push(state));
    network.delay = 40;
    const sums = await Promise.all([1, 2, 3].map((number) => socket.emitWithAck('sum', [number])));
    expect(sums).toEqual([1, 2, 3]);
    for (let i = 0; i < 3; i++) await socket.emitWithAck('sum', []);
    expect(states).toEqual([]);
  });

  it('abandons an attempt that receives no response', async () => {
    const { url, network } = await behindFaultyNetwork(await startServer());
    network.stall();
    const socket = client(url, { connectTimeout: 100 });
    for (let attempt = 0; attempt < 2; attempt++) {
      const [error] = await next(socket, 'connect_error');
      expect(error).toMatchObject({ message: 'could not connect: no connection within 100 ms' });
    }
    network.resume();
    await next(socket, 'connect');
    expect(await socket.emitWithAck('sum', [1])).toBe(1);
  });
});

describe('a client whose connection is closing', () => {
  it('queues messages for the next connection', async () => {
    const { gateway, url, network } = await behindFaultyNetwork(await startServer());
    const sockets: WebSocket[] = [];
    class RecordingSocket extends WebSocket {
      constructor(address: string, protocols: string[]) {
        super(address, protocols);
        sockets.push(this);
      }
    }
    const socket = await connected(url, { WebSocket: RecordingSocket as never });
    // The server closes the TCP connection only after the close frame of the client.
    network.stall('up');
    gateway.last.ws.close(1012);
    await until('the close frame of the server', () => sockets[0]!.readyState === WebSocket.CLOSING);
    expect(socket.state).toBe('open');
    expect(socket.emit('say', 'late')).toBe(true);
    expect(socket.volatile.emit('say', 'too late')).toBe(false);
    const sum = socket.emitWithAck('sum', [1, 2]);
    const ticks = socket.stream('ticks', 1);
    const disconnected = next(socket, 'disconnect');
    network.resume();
    expect(await disconnected).toMatchObject(['transport close', { code: 1012 }]);
    expect(await sum).toBe(3);
    expect(await ticks.next()).toEqual({ done: false, value: 0 });
    expect(gateway.said).toEqual(['late']);
  });
});
