import { jest } from '@jest/globals';
import { behindFaultyNetwork, connected, next, startServer } from './fixture.js';

/** Emits "online" and "offline" as a browser does. */
const browserWindow = new EventTarget();
const platform = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>;
const dispatch = (name: 'online' | 'offline'): boolean => browserWindow.dispatchEvent(new Event(name));

beforeAll(() => {
  platform.addEventListener = browserWindow.addEventListener.bind(browserWindow);
  platform.removeEventListener = browserWindow.removeEventListener.bind(browserWindow);
});
afterAll(() => {
  delete platform.addEventListener;
  delete platform.removeEventListener;
});

describe('a client whose device reports a browserWindow change', () => {
  it('pings its server at once, each time', async () => {
    const { url, network } = await behindFaultyNetwork(await startServer());
    const socket = await connected(url, { pingInterval: 60_000, pingTimeout: 300 });
    dispatch('offline');
    await socket.emitWithAck('sum', []);
    // The server answered the first ping.
    network.stall();
    const disconnected = next(socket, 'disconnect');
    const began = performance.now();
    dispatch('offline');
    expect(await disconnected).toMatchObject(['ping timeout', { code: 4408 }]);
    expect(performance.now() - began).toBeLessThan(2_000);
    network.resume();
    await next(socket, 'connect');
  });

  it('reconnects at once when the device is online again', async () => {
    const { url, network } = await behindFaultyNetwork(await startServer());
    const pauses = { reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 };
    const socket = await connected(url, { ...pauses, pingTimeout: 60_000 });
    network.cut();
    await next(socket, 'disconnect');
    dispatch('online');
    await next(socket, 'connect');
    // It does not reconnect if the connection survived.
    dispatch('online');
    dispatch('offline');
    dispatch('online');
    expect(await socket.emitWithAck('sum', [1])).toBe(1);
    expect(network.attempts.length).toBe(2);
    socket.disconnect();
    dispatch('online');
    expect(socket.state).toBe('closed');
  });
});

describe('a client whose server does not respond', () => {
  afterEach(() => void jest.restoreAllMocks());

  it('uses the same timeout after requests that timed out', async () => {
    const { url, network } = await behindFaultyNetwork(await startServer());
    // The timeout is longer than the interval.
    const socket = await connected(url, { pingInterval: 20, pingTimeout: 1_000 });
    for (let i = 0; i < 3; i++)
      await socket
        .timeout(40)
        .emitWithAck('never')
        .catch(() => undefined);
    network.stall();
    const began = performance.now();
    await next(socket, 'disconnect');
    expect(performance.now() - began).toBeLessThan(20 + 1_000 + 500);
    network.resume();
  });

  it('detects the timeout even if its clock is set back', async () => {
    const { url, network } = await behindFaultyNetwork(await startServer());
    const socket = await connected(url, { pingInterval: 100, pingTimeout: 100 });
    const { now } = Date;
    jest.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    network.stall();
    expect(await next(socket, 'disconnect')).toMatchObject(['ping timeout', { code: 4408 }]);
    network.resume();
    await next(socket, 'connect');
  });
});
