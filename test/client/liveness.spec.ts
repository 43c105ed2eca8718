import { jest } from '@jest/globals';
import { behind, connected, next, startTalk } from './fixture.js';

/** What a browser does when the device's network changes. */
const network = new EventTarget();
const platform = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>;
const tell = (name: 'online' | 'offline'): boolean => network.dispatchEvent(new Event(name));

beforeAll(() => {
  platform.addEventListener = network.addEventListener.bind(network);
  platform.removeEventListener = network.removeEventListener.bind(network);
});
afterAll(() => {
  delete platform.addEventListener;
  delete platform.removeEventListener;
});

describe('a client whose device says that the network has changed', () => {
  it('asks its server at once, each time', async () => {
    const { url, line } = await behind(await startTalk());
    const socket = await connected(url, { pingInterval: 60_000, pingTimeout: 300 });
    tell('offline');
    await socket.emitWithAck('sum', []);
    // it has answered the first time
    line.stall();
    const gone = next(socket, 'disconnect');
    const began = performance.now();
    tell('offline');
    expect(await gone).toMatchObject(['ping timeout', { code: 4408 }]);
    expect(performance.now() - began).toBeLessThan(2_000);
    line.resume();
    await next(socket, 'connect');
  });

  it('comes back at once when there is a network again', async () => {
    const { url, line } = await behind(await startTalk());
    const pauses = { reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 };
    const socket = await connected(url, { ...pauses, pingTimeout: 60_000 });
    line.cut();
    await next(socket, 'disconnect');
    tell('online');
    await next(socket, 'connect');
    // and stays where the line has survived
    tell('online');
    tell('offline');
    tell('online');
    expect(await socket.emitWithAck('sum', [1])).toBe(1);
    expect(line.attempts.length).toBe(2);
    socket.disconnect();
    tell('online');
    expect(socket.state).toBe('closed');
  });
});

describe('a client whose server is silent', () => {
  afterEach(() => void jest.restoreAllMocks());

  it('is not more patient because it asked before', async () => {
    const { url, line } = await behind(await startTalk());
    // patience beyond the interval
    const socket = await connected(url, { pingInterval: 20, pingTimeout: 1_000 });
    for (let i = 0; i < 3; i++)
      await socket
        .timeout(40)
        .emitWithAck('never')
        .catch(() => undefined);
    line.stall();
    const began = performance.now();
    await next(socket, 'disconnect');
    expect(performance.now() - began).toBeLessThan(20 + 1_000 + 500);
    line.resume();
  });

  it('notices though its clock is set back', async () => {
    const { url, line } = await behind(await startTalk());
    const socket = await connected(url, { pingInterval: 100, pingTimeout: 100 });
    const { now } = Date;
    jest.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    line.stall();
    expect(await next(socket, 'disconnect')).toMatchObject(['ping timeout', { code: 4408 }]);
    line.resume();
    await next(socket, 'connect');
  });
});
