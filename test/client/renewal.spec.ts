import { jest } from '@jest/globals';
import { client, next, startServer } from './fixture.js';
import { TokenGuard } from './fixture-gateway.js';
import { stopClock } from '../support/clock.js';

/** Milliseconds. */
const LONG = 3_000;
const SHORT = 500;

/** Returns an option `auth` whose first token, or each one, has this lifetime, with the number of its calls. */
function issuer(lifetime: number, isEach: boolean): { auth: () => Promise<string>; calls: () => number } {
  TokenGuard.tokens.clear();
  let calls = 0;
  const auth = async (): Promise<string> => {
    const token = `token ${++calls}`;
    const isShort = isEach || calls === 1;
    TokenGuard.tokens.set(token, { id: 'ada', ...(isShort && { expiresAt: Date.now() + lifetime }) });
    return token;
  };
  return { auth, calls: () => calls };
}

/** Waits until a client is connected, while its token does not expire: a busy machine may take longer than its lifetime. */
async function connects(socket: Parameters<typeof next>[0]): Promise<void> {
  const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now());
  try {
    await next(socket, 'connect');
  } finally {
    clock.mockRestore();
  }
}

// renewal-clock.spec.ts has what depends on time, with a clock that the test sets
describe('a client whose credentials expire', () => {
  beforeEach(() => TokenGuard.tokens.clear());
  afterEach(() => void jest.useRealTimers());

  it.each(['token', 'lifetime'])('renews on its connection before the end of its %s', async (kind) => {
    const adapter = kind === 'lifetime' ? { limits: { maxLifetime: LONG } } : {};
    const { guarded } = await startServer({ adapter });
    // the network stays real
    stopClock();
    const issued = issuer(LONG, true);
    TokenGuard.tokens.set('endless', { id: 'ada' });
    let calls = 0;
    const auth = (): string | Promise<string> => (calls++, kind === 'token' ? issued.auth() : 'endless');
    const socket = client(guarded, { auth });
    const ends: unknown[] = [];
    socket.on('disconnect', (...args) => ends.push(args));
    await next(socket, 'connect');
    const { id } = socket;
    jest.advanceTimersByTime(0.7 * LONG);
    expect(calls).toBe(1);
    jest.advanceTimersByTime(0.2 * LONG);
    expect(calls).toBe(2);
    // the client sends its token when it has it, and the server answers after it
    await new Promise(setImmediate);
    expect(await socket.emitWithAck('whoami' as never)).toEqual({ id: 'ada' });
    // the end of the first token
    jest.advanceTimersByTime(0.2 * LONG);
    expect(await socket.emitWithAck('whoami' as never)).toEqual({ id: 'ada' });
    expect([socket.id, ends, calls]).toEqual([id, [], 2]);
  });

  it('reconnects with fresh credentials if its renewals are refused', async () => {
    const { guarded } = await startServer();
    const { auth, calls } = issuer(SHORT, false);
    let isRefused = false;
    const socket = client(guarded, { auth: async () => (isRefused ? 'forged' : auth()) });
    await connects(socket);
    isRefused = true;
    const [reason, details] = await next(socket, 'disconnect');
    isRefused = false;
    expect([reason, details]).toEqual(['transport close', expect.objectContaining({ code: 4401 })]);
    await next(socket, 'connect');
    expect(calls()).toBe(2);
  });

  it('does not renew credentials that are not those of a function', async () => {
    const { guarded } = await startServer();
    TokenGuard.tokens.set('one', { id: 'ada', expiresAt: Date.now() + SHORT });
    const socket = client(guarded, { auth: 'one', reconnection: false });
    await connects(socket);
    expect((await next(socket, 'disconnect'))[1]).toMatchObject({ code: 4401 });
  });
});
