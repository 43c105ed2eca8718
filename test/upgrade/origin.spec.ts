import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Cors, EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade, type UpgradeResponse } from '../support/upgrade.js';

@WebSocketGateway({ path: '/ws' })
class EchoGateway {
  @SubscribeMessage('echo')
  echo(): void {}
}

const FOREIGN = 'https://evil.example';

/** Requests an upgrade with this origin. */
function upgrade(app: TestApp, origin: string | undefined, host?: string): Promise<UpgradeResponse> {
  return requestUpgrade(app.port, '/ws', {
    ...(origin === undefined ? {} : { Origin: origin }),
    ...(host === undefined ? {} : { Host: host }),
  });
}

const start = (cors?: Cors): Promise<TestApp> =>
  startApp({ providers: [EchoGateway] }, { adapter: cors === undefined ? {} : { cors } });

expectNoUnhandledErrors();

describe('origins', () => {
  it('accepts the own origin and clients without an Origin header', async () => {
    const app = await start();
    expect((await upgrade(app, undefined)).status).toBe(101);
    expect((await upgrade(app, `http://127.0.0.1:${app.port}`)).status).toBe(101);
    expect((await upgrade(app, 'https://Chat.example', 'chat.example:443')).status).toBe(101);
    expect((await upgrade(app, 'http://chat.example', 'chat.example:80')).status).toBe(101);
    expect((await upgrade(app, 'http://chat.example:8080', 'chat.example:8080')).status).toBe(101);
  });

  it('refuses other origins with 403, and logs both sides and the option to set once', async () => {
    const app = await start();
    const { status, body } = await upgrade(app, FOREIGN);
    expect(status).toBe(403);
    expect(JSON.parse(body)).toEqual({ statusCode: 403, message: expect.any(String), error: 'Forbidden' });
    for (const text of ['evil.example', '127.0.0.1', `${app.port}`]) expect(body).not.toContain(text);
    await upgrade(app, FOREIGN);
    const warnings = app.log.of('warn').filter((line) => line.includes(FOREIGN));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`127.0.0.1:${app.port}`);
    expect(warnings[0]).toContain('cors: { origin:');
  });

  it.each([
    ['null', 'chat.example'],
    ['http://chat.example.evil.example', 'chat.example'],
    ['http://evil.example/chat.example', 'chat.example'],
    ['http://chat.example:81', 'chat.example'],
    ['http://chat.example.', 'chat.example'],
    ['http://chat.example, http://evil.example', 'chat.example'],
    ['http://user@chat.example', 'chat.example'],
    ['chat.example', 'chat.example'],
  ])('does not mistake %s for its own origin', async (origin, host) => {
    expect((await upgrade(await start(), origin, host)).status).toBe(403);
  });

  const accepting: [string, Cors][] = [
    ['true', true],
    ['a wildcard', { origin: '*' }],
    ['a string', { origin: FOREIGN }],
    ['a string with the default port and a slash', { origin: 'HTTPS://evil.example:443/' }],
    ['a RegExp', { origin: /evil\.example$/g }],
    ['a list', { origin: ['https://a.example', /^https:\/\/evil\.example$/] }],
    ['a function', { origin: (origin, callback) => callback(null, origin === FOREIGN) }],
    [
      'a function that answers later',
      { origin: (_origin, callback) => setImmediate(callback, null, FOREIGN) },
    ],
    ['an async function that returns its answer', { origin: async (origin) => origin === FOREIGN }],
    ['an async function that returns a list', { origin: async () => [/evil/] }],
    [
      'an async function that calls back',
      {
        origin: async (origin, callback) => {
          await Promise.resolve();
          callback(null, origin === FOREIGN);
        },
      },
    ],
    ['an async delegate', async ({ headers }) => ({ origin: headers.origin === FOREIGN })],
    [
      'a delegate that returns an async function',
      (_request, callback) => callback(null, { origin: async () => true }),
    ],
    ['a delegate', (_request, callback) => callback(null, { origin: FOREIGN })],
  ];
  it.each(accepting)('accepts the origin with %s', async (_name, cors) => {
    const app = await start(cors);
    expect((await upgrade(app, FOREIGN)).status).toBe(101);
    expect((await upgrade(app, FOREIGN)).status).toBe(101);
  });

  const refusing: [string, Cors][] = [
    ['false', false],
    ['no origin', { credentials: true }],
    ['another string', { origin: 'https://evil.example.org' }],
    // as an option they stop the start: test/nest/cors-rejected.spec.ts
    ['a string with a path', { origin: (_origin, callback) => callback(null, 'https://evil.example/page') }],
    ['a string with another scheme', { origin: async () => 'wss://evil.example' }],
    ['a string with a wildcard', { origin: async () => 'https://*.example' }],
    ['a host without a scheme', { origin: async () => ['evil.example'] }],
    ['an incomplete URL', async () => ({ origin: 'https:evil.example' })],
    ['an empty list', { origin: [] }],
    ['a function that refuses', { origin: (_origin, callback) => callback(null, false) }],
    ['a function that fails', { origin: (_origin, callback) => callback(new Error('no database')) }],
    ['an async function that refuses', { origin: async () => false }],
    ['an async function that returns undefined', { origin: async () => undefined }],
    ['an async delegate that returns undefined', async () => undefined],
    ['a delegate that fails', (_request, callback) => callback(new Error('no database'))],
  ];
  it.each(refusing)('refuses the origin with %s', async (_name, cors) => {
    expect((await upgrade(await start(cors), FOREIGN)).status).toBe(403);
  });

  const throws = (): never => {
    throw new Error('no database');
  };
  const rejects = async (): Promise<never> => throws();
  const broken: [string, Cors][] = [
    ['a function throws', { origin: throws }],
    ['a function rejects', { origin: rejects }],
    ['a delegate throws', throws],
    ['a delegate rejects', rejects],
    [
      'the function of a delegate throws',
      (_request, callback) => {
        callback(null, { origin: throws });
      },
    ],
    [
      'the function of a delegate rejects',
      (_request, callback) => {
        callback(null, { origin: rejects });
      },
    ],
    [
      'the function of a late delegate throws',
      (_request, callback) => void setImmediate(callback, null, { origin: throws }),
    ],
    [
      'the function of a late delegate rejects',
      (_request, callback) => void setImmediate(callback, null, { origin: rejects }),
    ],
    ['the function of an async delegate throws', async () => ({ origin: throws })],
    ['the function of an async delegate rejects', async () => ({ origin: rejects })],
  ];
  it.each(broken)('answers 500 and logs the error when %s', async (_name, cors) => {
    const app = await start(cors);
    const { status, body } = await upgrade(app, FOREIGN);
    expect(status).toBe(500);
    expect(body).not.toContain('database');
    expect(app.log.of('error').join()).toContain('no database');
  });
});

describe('a host name beyond ASCII', () => {
  it.each<[string, EnvelopeOptions]>([
    ['cors', { cors: { origin: ['https://a.example', 'https://bücher.example'] } }],
    [
      'cors, returned by a function',
      { cors: { origin: (_, callback) => callback(null, 'https://Bücher.example') } },
    ],
    ['hosts', { hosts: 'bücher.example' }],
  ])('matches the Punycode that browsers send: %s', async (_, adapter) => {
    const app = await startApp({ providers: [EchoGateway] }, { adapter });
    expect((await upgrade(app, 'https://xn--bcher-kva.example')).status).toBe(101);
    expect((await upgrade(app, 'https://bcher.example')).status).toBe(403);
  });
});

it('an origin with a control character in cors names no page', async () => {
  const adapter: EnvelopeOptions = { cors: { origin: async () => 'https://a.example\u001b' } };
  const app = await startApp({ providers: [EchoGateway] }, { adapter });
  expect((await upgrade(app, 'https://a.example')).status).toBe(403);
});

describe('the option hosts', () => {
  const startWith = (adapter: EnvelopeOptions): Promise<TestApp> =>
    startApp({ providers: [EchoGateway] }, { adapter });
  const ATTACKER = ['http://attacker.example', 'attacker.example'] as const;

  it('refuses a page whose host name was rebound to this server', async () => {
    expect((await upgrade(await startWith({}), ...ATTACKER)).status).toBe(101);
    for (const adapter of [{}, { cors: { origin: ['https://partner.example'] } }]) {
      const app = await startWith({ ...adapter, hosts: ['chat.example', 'localhost:3000'] });
      expect((await upgrade(app, ...ATTACKER)).status).toBe(403);
      expect(app.log.of('warn')[0]).toContain('attacker.example');
      expect((await upgrade(app, `http://127.0.0.1:${app.port}`)).status).toBe(403);
      // A client that is not a page.
      expect((await upgrade(app, undefined, 'attacker.example')).status).toBe(101);
    }
    const open = await startWith({ hosts: 'chat.example', cors: { origin: 'https://partner.example' } });
    expect((await upgrade(open, 'https://partner.example')).status).toBe(101);
  });

  it.each([
    ['chat.example', 'http://chat.example', 101],
    ['chat.example', 'https://chat.example', 101],
    ['CHAT.example', 'https://Chat.example', 101],
    ['chat.example', 'https://chat.example:8443', 403],
    ['chat.example:8443', 'https://chat.example:8443', 101],
    ['chat.example:443', 'https://chat.example', 101],
    ['chat.example:443', 'http://chat.example', 403],
    ['[::1]:3000', 'http://[0:0::1]:3000', 403], // No browser writes it this way.
    ['[0:0::1]:3000', 'http://[::1]:3000', 101],
    ['*.chat.example', 'https://a.chat.example', 101],
    ['*.chat.example', 'https://a.b.chat.example', 101],
    ['*.chat.example', 'https://chat.example', 403],
    ['*.chat.example', 'https://evilchat.example', 403],
    ['*.chat.example:8080', 'http://a.chat.example:8080', 101],
    ['chat.example', 'ws://chat.example', 403],
  ])('%s and the page %s: %i', async (hosts, origin, status) => {
    const app = await startWith({ hosts });
    // It works even if a proxy does not pass the Host header.
    expect((await upgrade(app, origin, 'upstream:1')).status).toBe(status);
  });

  it('also checks the scheme when it is known', async () => {
    const app = await startWith({ hosts: 'chat.example', trustProxy: 'loopback' });
    const upgradeFrom = (proto: string): Promise<UpgradeResponse> =>
      requestUpgrade(app.port, '/ws', { Origin: 'http://chat.example', 'X-Forwarded-Proto': proto });
    expect((await upgradeFrom('http')).status).toBe(101);
    expect(app.log.of('warn')).toEqual([]);
    expect((await upgradeFrom('https')).status).toBe(403);
  });

  it.each([
    [''],
    ['http://chat.example'],
    ['chat.example/ws'],
    ['a b'],
    [[]],
    [['a', 1]],
    ['x:65536'],
    [null],
    [{}],
  ])('is refused at startup if it is not a valid host: %j', async (hosts) => {
    await expect(startWith({ hosts: hosts as string })).rejects.toThrow(
      /The option hosts of EnvelopeAdapter has/,
    );
  });
});
