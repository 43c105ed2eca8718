import { jest } from '@jest/globals';
import { DisconnectedError } from '../../lib/client/node.js';
import { stopClock } from '../support/clock.js';
import { until } from '../support/wait.js';
import { behindFaultyNetwork, connected, next, QUICK, startServer } from './fixture.js';

/** Emits "online" and "offline" as a browser does. */
const browserWindow = new EventTarget();
const platform = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>;
const dispatch = (name: 'online' | 'offline'): boolean => browserWindow.dispatchEvent(new Event(name));
/** Lets this many milliseconds pass. */
function pass(time: number): void {
  jest.advanceTimersByTime(time);
}

/** Lets the time pass after which a client connects again, and waits until it does. */
async function reconnected(socket: Awaited<ReturnType<typeof connected>>): Promise<void> {
  const connects = next(socket, 'connect');
  pass(QUICK.reconnectionDelayMax!);
  await connects;
}

beforeEach(() => {
  // the network stays real
  stopClock();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a client whose device reports a change of the network', () => {
  beforeAll(() => {
    platform.addEventListener = browserWindow.addEventListener.bind(browserWindow);
    platform.removeEventListener = browserWindow.removeEventListener.bind(browserWindow);
  });
  afterAll(() => {
    delete platform.addEventListener;
    delete platform.removeEventListener;
  });

  it('pings its server at once, each time', async () => {
    const { url, network } = await behindFaultyNetwork(await startServer());
    const socket = await connected(url, { pingInterval: 60_000, pingTimeout: 300 });
    dispatch('offline');
    await socket.emitWithAck('sum', []);
    // The server answered the first ping.
    network.stall();
    const disconnected = next(socket, 'disconnect');
    dispatch('offline');
    pass(299);
    expect(socket.connected).toBe(true);
    pass(1);
    expect(await disconnected).toMatchObject(['ping timeout', { code: 4408 }]);
    network.resume();
    await reconnected(socket);
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
  it('uses the same timeout after requests that timed out', async () => {
    const { url, network } = await behindFaultyNetwork(await startServer());
    // The timeout is longer than the interval.
    const socket = await connected(url, { pingInterval: 20, pingTimeout: 1_000 });
    for (let i = 0; i < 3; i++) {
      const late = socket.timeout(40).emitWithAck('never');
      pass(40);
      await expect(late).rejects.toThrow('timed out');
    }
    // The server answered the last ping.
    await socket.emitWithAck('sum', []);
    network.stall();
    const disconnected = next(socket, 'disconnect');
    pass(20 + 999);
    expect(socket.connected).toBe(true);
    pass(1);
    await disconnected;
    network.resume();
  });

  it('detects the timeout even if its clock is set back', async () => {
    const { url, network } = await behindFaultyNetwork(await startServer());
    const socket = await connected(url, { pingInterval: 100, pingTimeout: 100 });
    jest.setSystemTime(Date.now() - 3_600_000);
    network.stall();
    const disconnected = next(socket, 'disconnect');
    pass(200);
    expect(await disconnected).toMatchObject(['ping timeout', { code: 4408 }]);
    network.resume();
    await reconnected(socket);
  });

  it('is found by pings: the client reconnects, with the queued messages', async () => {
    const { gateway, url, network } = await behindFaultyNetwork(await startServer());
    const socket = await connected(url, { pingInterval: 150, pingTimeout: 150, connectTimeout: 200 });
    const disconnected = next(socket, 'disconnect');
    network.stall();
    socket.emit('say', 'during the stall');
    const lost = socket.emitWithAck('sum', [1]);
    pass(299);
    expect(socket.connected).toBe(true);
    pass(1);
    await expect(lost).rejects.toThrow(DisconnectedError);
    expect(await disconnected).toMatchObject(['ping timeout', { code: 4408, willReconnect: true }]);
    socket.emit('say', 'one');
    socket.emit('say', 'two');
    const sum = socket.emitWithAck('sum', [3, 4]);
    const failed = next(socket, 'connect_error');
    pass(QUICK.reconnectionDelayMax!);
    await until('the attempt', () => network.attempts.length === 2);
    pass(200);
    const [error] = await failed;
    expect(error).toMatchObject({ message: 'could not connect: no connection within 200 ms', code: 1006 });
    network.resume();
    await reconnected(socket);
    expect(await sum).toBe(7);
    const sent = gateway.said.filter((text) => text !== 'during the stall');
    expect(sent).toEqual(['one', 'two']);
    expect(gateway.said.length).toBeLessThanOrEqual(3);
    await until('the server has closed the other connections', () => gateway.server.clients.size === 1);
  });
});
