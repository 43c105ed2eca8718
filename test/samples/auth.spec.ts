import { JwtService } from '@nestjs/jwt';
import { AppModule } from '../../sample/02-auth/src/app.module.js';
import { hashPassword, isPassword } from '../../sample/02-auth/src/auth/password.js';
import { startApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

/** Seconds of a token that expires in the test, after what the test does with it: also on a busy machine. */
const SHORT = 6;

interface Answer {
  status: number;
  body: any; // eslint-disable-line -- tests read any field of a body
  cookie: string;
}

describe('sample 02-auth', () => {
  const environment = { ...process.env };
  let app: TestApp;

  const start = async (variables: Record<string, string> = {}): Promise<void> => {
    Object.assign(process.env, variables);
    app = await startApp({ imports: [AppModule] });
  };
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
  });

  const ask = async (
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${app.port}${path}`, {
      method,
      headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const cookie = response.headers.get('set-cookie') ?? '';
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text), cookie };
  };
  const login = (user: string, password: string): Promise<Answer> =>
    ask('POST', '/login', { user, password });
  const refresh = (user: string, cookie: string): Promise<Answer> =>
    ask('POST', '/refresh', { user }, { cookie: cookie.split(';')[0]! });

  /** Returns a token as the server signs it, with the given lifetime. */
  const tokenOf = (sub: string, seconds = 3_600, roles = sub === 'root' ? ['admin'] : []): string =>
    app.nest.get(JwtService, { strict: false }).sign({ sub, roles }, { expiresIn: seconds });
  const expiryOf = (token: string): number =>
    JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).exp * 1_000;
  const connect = async (path: string, token: string): Promise<TestClient> => {
    const client = await app.connect(path, { protocols: ['bearer', token] });
    // Its messages wait for handleConnection.
    await client.settled();
    return client;
  };
  const pushed = (client: TestClient): unknown[] => client.frames.filter(({ ack }) => ack === undefined);
  const renew = async (client: TestClient, token: string, id: number): Promise<object> => {
    client.send({ event: '$auth', meta: { token }, id });
    return (await client.answer(id)).data as object;
  };
  /** Returns the status and the message that refuse an upgrade, and checks that HTTP responds with the same. */
  const tryConnect = async (path: string, token?: string): Promise<unknown[]> => {
    const headers = token === undefined ? undefined : { 'Sec-WebSocket-Protocol': `bearer, ${token}` };
    const { status, body } = await requestUpgrade(app.port, path, headers);
    const http = await ask(
      'GET',
      path,
      undefined,
      token === undefined ? {} : { authorization: `Bearer ${token}` },
    );
    expect([http.status, http.body]).toEqual([status, JSON.parse(body)]);
    return [status, http.body.message];
  };

  describe('signing in', () => {
    it('returns a short-lived access token and a refresh token in an HttpOnly, SameSite cookie', async () => {
      await start();
      const { status, body, cookie } = await login('ada', 'lovelace');
      expect([status, body]).toEqual([200, { accessToken: expect.any(String), expiresIn: 60 }]);
      expect(cookie).toMatch(
        /^refresh-ada=[\w-]{43}; Max-Age=43200; Path=\/refresh; HttpOnly; SameSite=Strict$/,
      );
      const client = await connect('/ws', body.accessToken);
      expect(client.ws.protocol).toBe('bearer');
    });

    it('answers a wrong password and an unknown name in the same way', async () => {
      await start();
      const [wrong, unknown] = [await login('ada', 'builder'), await login('zoe', 'builder')];
      expect([wrong.status, wrong.body.message, wrong.cookie]).toEqual([401, 'Wrong name or password', '']);
      expect(unknown).toEqual(wrong);
      expect((await login('ada', '')).status).toBe(400);
      expect((await ask('POST', '/login', { user: { $ne: 1 }, password: 'x' })).status).toBe(400);
    });

    it('renews the token of the user of the cookie until that user signs out', async () => {
      await start();
      const { cookie } = await login('ada', 'lovelace');
      const fresh = await refresh('ada', cookie);
      expect([fresh.status, fresh.body.expiresIn]).toEqual([200, 60]);
      expect((await refresh('root', cookie)).status).toBe(401);
      expect((await refresh('ada', '')).status).toBe(401);
      const out = await ask('DELETE', '/refresh', { user: 'ada' }, { cookie: cookie.split(';')[0]! });
      expect([out.status, out.cookie]).toEqual([204, expect.stringMatching(/^refresh-ada=; Max-Age=0; /)]);
      expect((await refresh('ada', cookie)).body.message).toBe('Sign in again');
    });

    it('expires a refresh token', async () => {
      await start({ REFRESH_TOKEN_TTL: '1' });
      const { cookie } = await login('ada', 'lovelace');
      await until('the end of the token', async () => (await refresh('ada', cookie)).status === 401);
    });

    it('stores passwords as salted hashes', async () => {
      const [one, other] = [await hashPassword('secret'), await hashPassword('secret')];
      expect(one).not.toBe(other);
      expect([await isPassword('secret', one), await isPassword('Secret', one)]).toEqual([true, false]);
    });

    it('does not start with an invalid token lifetime', async () => {
      await expect(start({ ACCESS_TOKEN_TTL: '1m' })).rejects.toThrow(
        'ACCESS_TOKEN_TTL is not a whole number',
      );
    });
  });

  describe('the guards', () => {
    it('refuse an upgrade with a status and a reason, and HTTP requests in the same way', async () => {
      await start();
      const [header, payload, signature] = tokenOf('bob').split('.') as [string, string, string];
      const forge = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
      const none = `${forge({ alg: 'none', typ: 'JWT' })}.${payload}.`;
      const promoted = `${header}.${forge({ sub: 'root', roles: ['admin'], exp: 9e9 })}.${signature}`;
      expect(await tryConnect('/ws')).toEqual([401, 'No auth token']);
      expect(await tryConnect('/ws', 'x')).toEqual([401, 'jwt malformed']);
      expect(await tryConnect('/ws', promoted)).toEqual([401, 'invalid signature']);
      expect(await tryConnect('/ws', none)).toEqual([401, 'jwt signature is required']);
      expect(await tryConnect('/ws', tokenOf('bob', -1))).toEqual([401, 'jwt expired']);
      expect(app.log.of('error')).toEqual([]);
    });

    it('accept only the required role on /admin', async () => {
      await start();
      expect(await tryConnect('/admin')).toEqual([401, 'No auth token']);
      expect(await tryConnect('/admin', tokenOf('bob'))).toEqual([403, 'Forbidden resource']);
      const root = await connect('/admin', tokenOf('root'));
      expect((await root.ask('online')).data).toEqual([]);
    });

    it('write no token to the log', async () => {
      await start();
      const token = tokenOf('bob');
      await connect('/ws', token);
      await tryConnect('/admin', token);
      expect(app.log.lines.filter(({ text }) => text.includes(token))).toEqual([]);
    });
  });

  describe('messages', () => {
    it('reach all tabs of the recipient and the other tabs of the sender, and no other client', async () => {
      await start();
      const users = ['ada', 'ada', 'bob', 'bob', 'root'];
      const [ada, ada2, bob, bob2, root] = (await Promise.all(
        users.map((user) => connect('/ws', tokenOf(user))),
      )) as [TestClient, TestClient, TestClient, TestClient, TestClient];
      const answer = await ada.ask('message', { to: 'bob', text: 'hi', from: 'root' });
      expect(answer.data).toEqual({ at: expect.any(String), tabs: 2 });
      for (const client of [bob, bob2, ada2]) {
        expect((await client.next('message')).data).toEqual({
          from: 'ada',
          to: 'bob',
          text: 'hi',
          at: answer.data.at,
        });
      }
      await Promise.all([root.settled(), ada.settled()]);
      expect([pushed(root), pushed(ada)]).toEqual([[], []]);
      expect((await ada.ask('message', { to: 'zoe', text: 'hi' })).data.tabs).toBe(0);
    });

    it.each([
      ['no recipient', { text: 'hi' }],
      ['a blank text', { to: 'bob', text: ' ' }],
      ['a text above the maximum length', { to: 'bob', text: 'x'.repeat(2_001) }],
    ])('are refused with %s', async (_, data) => {
      await start();
      const ada = await connect('/ws', tokenOf('ada'));
      const { event, data: payload } = await ada.ask('message', data);
      expect([event, payload.statusCode]).toEqual(['exception', 400]);
    });
  });

  describe('administration', () => {
    it('shows the users online at each change', async () => {
      await start();
      const root = await connect('/admin', tokenOf('root'));
      const row = (user: string, tabs: number): object => ({ user, tabs, since: expect.any(Number) });
      const ada = await connect('/ws', tokenOf('ada'));
      expect((await root.next('online')).data).toEqual([row('ada', 1)]);
      const bob = await connect('/ws', tokenOf('bob'));
      expect((await root.next('online')).data).toEqual([row('ada', 1), row('bob', 1)]);
      await connect('/ws', tokenOf('bob'));
      expect((await root.next('online')).data).toEqual([row('ada', 1), row('bob', 2)]);
      ada.close();
      expect((await root.next('online')).data).toEqual([row('bob', 2)]);
      bob.ws.terminate();
      expect((await root.next('online')).data).toEqual([row('bob', 1)]);
      expect((await root.ask('online')).data).toEqual([row('bob', 1)]);
    });

    it('disconnects every tab of a user with an event and 1000, and keeps other users', async () => {
      await start();
      const root = await connect('/admin', tokenOf('root'));
      const ada = await connect('/ws', tokenOf('ada'));
      const bobs = [await connect('/ws', tokenOf('bob')), await connect('/ws', tokenOf('bob'))];
      await root.ask('disconnect-user', { user: 'bob' });
      for (const bob of bobs) {
        expect((await bob.ended()).code).toBe(1000);
        expect(pushed(bob)).toEqual([{ event: 'session-ended', data: { by: 'root' } }]);
      }
      await ada.settled();
      await connect('/ws', tokenOf('bob'));
    });
  });

  describe('the expiry of a token', () => {
    it('closes the connection with 4401, and a fresh token opens a new one', async () => {
      await start({ ACCESS_TOKEN_TTL: String(SHORT) });
      const { body, cookie } = await login('ada', 'lovelace');
      const ada = await connect('/ws', body.accessToken);
      expect(await ada.ended()).toEqual({ code: 4401, reason: 'expired' });
      expect(Date.now()).toBeGreaterThanOrEqual(expiryOf(body.accessToken));
      expect(await tryConnect('/ws', body.accessToken)).toEqual([401, 'jwt expired']);
      const again = await connect('/ws', (await refresh('ada', cookie)).body.accessToken);
      await again.settled();
    });

    it('is extended only by $auth', async () => {
      await start();
      const [short, long] = [tokenOf('ada', SHORT), tokenOf('ada')];
      const [renewed, expiring] = [await connect('/ws', short), await connect('/ws', short)];
      expect(await renew(renewed, long, 1)).toEqual({
        expiresAt: expiryOf(long),
        expiresIn: expect.any(Number),
      });
      expect((await expiring.ended()).code).toBe(4401);
      expect((await renewed.ask('message', { to: 'ada', text: 'still here' })).data.tabs).toBe(1);
    });

    it('does not change when $auth is refused: an invalid token, another user, a missing role', async () => {
      await start();
      const ada = await connect('/ws', tokenOf('ada', SHORT));
      expect(await renew(ada, 'x', 1)).toMatchObject({ statusCode: 401, message: 'jwt malformed' });
      expect(await renew(ada, tokenOf('bob'), 2)).toMatchObject({ statusCode: 403 });
      const { data } = await ada.ask('message', { to: 'ada', text: 'me' });
      expect(data.tabs).toBe(1);
      const root = await connect('/admin', tokenOf('root', SHORT));
      expect(await renew(root, tokenOf('root', 3_600, []), 1)).toMatchObject({
        statusCode: 403,
        message: 'Forbidden resource',
      });
      expect((await root.ask('online')).data).toMatchObject([{ user: 'ada', tabs: 1 }]);
      expect([(await ada.ended()).code, (await root.ended()).code]).toEqual([4401, 4401]);
    });
  });

  it('serves only the page', async () => {
    await start();
    const get = async (path: string): Promise<[number, string | null]> => {
      const response = await fetch(`http://127.0.0.1:${app.port}${path}`);
      await response.arrayBuffer();
      return [response.status, response.headers.get('content-type')];
    };
    expect(await get('/')).toEqual([200, 'text/html; charset=utf-8']);
    expect(await get('/page.js')).toEqual([200, 'text/javascript; charset=utf-8']);
    for (const path of ['/package.json', '/..%2fpackage.json', '/constructor'])
      expect((await get(path))[0]).toBe(404);
  });
});
