import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSharedApp, type TestApp } from '../support/app.js';
import { Cli, cliHere } from '../support/cli.js';
import { GuardedGateway } from './gateway.js';
import { until } from '../support/wait.js';

/** Has the characters of a JWT. */
const TOKEN = 'eyJh.eyJz_-.abc-123';

describe('the options of authentication', () => {
  let app: TestApp;
  let folder: string;
  const url = (): string => app.url('/guarded');
  /** Asks the server what it received. */
  const me = async (...options: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await cliHere(['ask', url(), 'me', ...options]);
    if (code !== 0) throw new Error(`exit code ${code}: ${stdout}${stderr}`);
    return JSON.parse(stdout) as unknown;
  };

  beforeAll(async () => {
    app = await startSharedApp({ providers: [GuardedGateway] });
    folder = await mkdtemp(join(tmpdir(), 'cli-'));
    writeFileSync(join(folder, 'token'), `${TOKEN}\n`);
  });
  afterAll(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });

  it('send a token by each way', async () => {
    const [auth, bearer, header, query, message, file] = await Promise.all([
      me('--token', TOKEN),
      me('--token', TOKEN, '--token-by', 'bearer'),
      me('--token', TOKEN, '--token-by', 'header'),
      me('--token', 'a b&c', '--token-by', 'query'),
      me('--token', TOKEN, '--token-by', 'message'),
      me('--token', `@${join(folder, 'token')}`),
    ]);
    const authorization = `Bearer ${TOKEN}`;
    expect(auth).toMatchObject({ auth: { token: TOKEN }, token: TOKEN, query: {} });
    expect(bearer).toMatchObject({ authorization, token: TOKEN });
    expect(header).toMatchObject({ authorization, token: TOKEN, auth: { token: TOKEN } });
    expect(query).toMatchObject({ query: { token: 'a b&c' }, token: 'a b&c' });
    expect(message).toMatchObject({ token: TOKEN, query: {} });
    expect(file).toMatchObject({ token: TOKEN });
  });

  it('send a cookie, basic authentication, other headers, an origin and an object', async () => {
    const [headers, object, fromUrl] = await Promise.all([
      me(
        ...['--cookie', 'session=abc', '--cookie', 'lang=en', '--user', 'ada:se:cret'],
        ...['-H', 'X-Tenant: acme', '--origin', 'https://page.example'],
      ),
      me('--auth', '{"token":"t","tenant":"acme"}'),
      me('--header', 'Authorization: Custom abc'),
    ]);
    expect(headers).toMatchObject({
      cookie: 'session=abc; lang=en',
      authorization: `Basic ${Buffer.from('ada:se:cret').toString('base64')}`,
      tenant: 'acme',
      origin: 'https://page.example',
    });
    expect(object).toMatchObject({ auth: { token: 't', tenant: 'acme' }, token: 't' });
    expect(fromUrl).toMatchObject({ authorization: 'Custom abc' });
  });

  it('read a token in a file again: when it expires, and for each connection', async () => {
    const file = join(folder, 'changing');
    const gateway = app.nest.get(GuardedGateway);
    gateway.tokens.length = 0;
    writeFileSync(file, 'expiring-1');
    const watch = new Cli(['watch', url(), '--reconnect', '--token', `@${file}`]);
    await until('the first connection', () => gateway.server.sockets.size === 1);
    // the client was told of an expiry; on a busy machine it may be late for it
    for (const socket of gateway.server.sockets.values()) socket.expiresAt = undefined;
    expect(gateway.tokens).toEqual(['expiring-1']);
    writeFileSync(file, 'expiring-2');
    await until('the renewal', () => gateway.tokens.includes('expiring-2'));
    expect(gateway.server.sockets.size).toBe(1);
    writeFileSync(file, 'other-3');
    for (const socket of gateway.server.sockets.values()) socket.terminate();
    await until('the next connection', () => gateway.tokens.includes('other-3'));
    watch.process.kill('SIGINT');
    await watch.ended;
    expect(new Set(gateway.tokens)).toEqual(new Set(['expiring-1', 'expiring-2', 'other-3']));
  });

  it('show what the server says of a refused client', async () => {
    const results = await Promise.all([
      cliHere(['ask', url(), 'me', '--token', 'wrong']),
      cliHere(['ask', url(), 'me', '--token', 'wrong', '--token-by', 'message']),
      cliHere(['ask', url(), 'me', '--origin', 'https://other.example']),
    ]);
    expect(results.map(({ code, stderr }) => [code, stderr])).toEqual([
      [3, 'error: could not connect: HTTP status 401: this token is wrong\n'],
      [1, 'error: this token is wrong\n'],
      [3, expect.stringMatching(/^error: could not connect: HTTP status 403: .+\n$/)],
    ]);
  });

  it.each([
    [['--token-by', 'header'], '--token-by says how --token is sent, and --token is missing'],
    [
      ['--token', 'a', '--token-by', 'headers'],
      '--token-by is "headers": it takes one of auth, bearer, header, query, message',
    ],
    [['--token', 'a b', '--token-by', 'bearer'], '--token has characters that a subprotocol cannot carry'],
    [['--token', 'a', '--auth', '{}'], '--auth and --token are sent in the same place'],
    [['--auth', 'text'], '--auth is "text": it takes a JSON object'],
    [['--token', '@/nowhere/token'], '--token is "@/nowhere/token": ENOENT'],
    [['--header', 'no colon'], '--header is "no colon": it takes a name and a value'],
    [['--user', 'ada'], '--user takes a name and a password'],
    [['--user', 'a:b', '--token', 'c', '--token-by', 'header'], 'the header authorization is set twice'],
    [['--cookie', 'abc'], '--cookie is "abc": it takes a name and a value'],
    [['--timeout', 'soon'], '--timeout is "soon": it takes a time such as 500ms'],
  ])('are checked before a connection: %p', async (options, message) => {
    const { code, stdout, stderr } = await cliHere(['ask', url(), 'me', ...options]);
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(message),
    });
  });
});
