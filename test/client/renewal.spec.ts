import { until } from '../support/wait.js';
import { client, next, startServer } from './fixture.js';
import { TokenGuard } from './fixture-gateway.js';

/** Milliseconds. A renewal comes at least 450 ms before the end. */
const LONG = 3_000;
const SHORT = 500;

/** Returns an option `auth` that issues tokens with this lifetime, with the number of its calls. */
function issuer(lifetime: number): { auth: () => Promise<string>; calls: () => number } {
  TokenGuard.tokens.clear();
  let calls = 0;
  const auth = async (): Promise<string> => {
    const token = `token ${++calls}`;
    TokenGuard.tokens.set(token, { id: 'ada', expiresAt: Date.now() + lifetime });
    return token;
  };
  return { auth, calls: () => calls };
}

// renewal-clock.spec.ts has what depends on time, with a clock that the test sets
describe('a client whose credentials expire', () => {
  beforeEach(() => TokenGuard.tokens.clear());

  it.each(['token', 'lifetime'])('renews on its connection before the end of its %s', async (kind) => {
    const adapter = kind === 'lifetime' ? { limits: { maxLifetime: LONG } } : {};
    const { guarded } = await startServer({ adapter });
    const issued = issuer(LONG);
    TokenGuard.tokens.set('endless', { id: 'ada' });
    let calls = 0;
    const auth = (): string | Promise<string> => (calls++, kind === 'token' ? issued.auth() : 'endless');
    const socket = client(guarded, { auth });
    const ends: unknown[] = [];
    socket.on('disconnect', (...args) => ends.push(args));
    await next(socket, 'connect');
    const { id } = socket;
    const openedAt = performance.now();
    await until('the renewal', () => calls === 2);
    expect(performance.now() - openedAt).toBeGreaterThan(0.7 * LONG);
    await until('the end of the first token', () => performance.now() > openedAt + LONG);
    expect(await socket.emitWithAck('whoami' as never)).toEqual({ id: 'ada' });
    expect([socket.id, ends, calls]).toEqual([id, [], 2]);
  });

  it('reconnects with fresh credentials if its renewals are refused', async () => {
    const { guarded } = await startServer();
    const { auth, calls } = issuer(SHORT);
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

  it('does not renew credentials that are not those of a function', async () => {
    const { guarded } = await startServer();
    TokenGuard.tokens.set('one', { id: 'ada', expiresAt: Date.now() + SHORT });
    const socket = client(guarded, { auth: 'one', reconnection: false });
    await next(socket, 'connect');
    expect((await next(socket, 'disconnect'))[1]).toMatchObject({ code: 4401 });
  });
});
