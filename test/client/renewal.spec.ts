import { until } from '../support/wait.js';
import { client, next, startServer } from './fixture.js';
import { TokenGuard } from './fixture-gateway.js';

/** The lifetime of a token in milliseconds. */
const LIFETIME = 1_500;

/** Returns an option `auth` that issues tokens, with the number of its calls. */
function issuer(): { auth: () => Promise<string>; calls: () => number } {
  TokenGuard.tokens.clear();
  let calls = 0;
  const auth = async (): Promise<string> => {
    const token = `token ${++calls}`;
    TokenGuard.tokens.set(token, { id: 'ada', expiresAt: Date.now() + LIFETIME });
    return token;
  };
  return { auth, calls: () => calls };
}

describe('a client whose token expires', () => {
  it('renews it in time on the same connection, again and again', async () => {
    const { guarded } = await startServer();
    const { auth, calls } = issuer();
    const socket = client(guarded, { auth });
    const ends: unknown[] = [];
    socket.on('disconnect', (...args) => ends.push(args));
    await next(socket, 'connect');
    const { id } = socket;
    const startedAt = performance.now();
    await until('the second renewal', () => calls() === 3);
    // two renewals at 75 to 85 percent of the lifetime
    expect(performance.now() - startedAt).toBeGreaterThan(2 * 0.7 * LIFETIME);
    expect(await socket.emitWithAck('whoami' as never)).toEqual({ id: 'ada' });
    expect(socket).toMatchObject({ id, connected: true });
    expect(ends).toEqual([]);
  });

  it('keeps its connection when a renewal is refused, and tries again before the token expires', async () => {
    const { guarded } = await startServer();
    const { auth, calls } = issuer();
    let asked = 0;
    const socket = client(guarded, { auth: async () => (++asked === 2 ? 'forged' : auth()) });
    const ends: unknown[] = [];
    socket.on('disconnect', (...args) => ends.push(args));
    await next(socket, 'connect');
    await until('the renewal after the refused one', () => calls() === 3);
    expect(await socket.emitWithAck('whoami' as never)).toEqual({ id: 'ada' });
    expect([asked, ends]).toEqual([4, []]);
  });

  it('reconnects with fresh credentials if all renewals are refused', async () => {
    const { guarded } = await startServer();
    const { auth, calls } = issuer();
    let isRefused = false;
    const socket = client(guarded, { auth: async () => (isRefused ? 'forged' : auth()) });
    await next(socket, 'connect');
    isRefused = true;
    const [reason, details] = await next(socket, 'disconnect');
    isRefused = false;
    expect([reason, details]).toEqual(['transport close', expect.objectContaining({ code: 4401 })]);
    await next(socket, 'connect');
    expect(calls()).toBe(2);
  });

  it('extends limits.maxLifetime, without a token that expires', async () => {
    TokenGuard.tokens.clear();
    TokenGuard.tokens.set('endless', { id: 'ada' });
    const { guarded } = await startServer({ adapter: { limits: { maxLifetime: LIFETIME } } });
    let calls = 0;
    const socket = client(guarded, { auth: () => (calls++, 'endless') });
    await next(socket, 'connect');
    const { id } = socket;
    await until('the second renewal', () => calls === 3);
    expect(await socket.emitWithAck('whoami' as never)).toEqual({ id: 'ada' });
    expect(socket.id).toBe(id);
  });

  it('does not ask for a token that is no function', async () => {
    const { guarded } = await startServer();
    TokenGuard.tokens.clear();
    TokenGuard.tokens.set('one', { id: 'ada', expiresAt: Date.now() + LIFETIME });
    const socket = client(guarded, { auth: 'one', reconnection: false });
    await next(socket, 'connect');
    expect((await next(socket, 'disconnect'))[1]).toMatchObject({ code: 4401 });
  });

  it('stops when it disconnects', async () => {
    const { guarded } = await startServer();
    const { auth, calls } = issuer();
    const socket = client(guarded, { auth });
    await next(socket, 'connect');
    socket.disconnect();
    // a second client renews after the first one would have
    const other = issuer();
    const second = client(guarded, { auth: other.auth });
    await next(second, 'connect');
    await until('its renewal', () => other.calls() === 2);
    expect(calls()).toBe(1);
  });
});
