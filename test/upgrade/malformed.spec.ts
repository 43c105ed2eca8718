import { STATUS_CODES } from 'node:http';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { askRaw, type UpgradeAnswer } from '../support/upgrade.js';

@WebSocketGateway({ path: '/ws' })
class PlainGateway {
  @SubscribeMessage('echo')
  echo(): void {}
}

@WebSocketGateway({ path: '/rooms/:room' })
class RoomGateway {}

@WebSocketGateway({ path: '/greeted' })
class GreetingGateway {
  handleConnection({ handshake }: EnvelopeSocket): void {
    expect(handshake.auth).toBeDefined();
  }
}

const providers = [PlainGateway, RoomGateway, GreetingGateway];

const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** An upgrade request with these header lines and no others but those of RFC 6455. */
const ask = (app: TestApp, lines: readonly string[], target = '/ws'): Promise<UpgradeAnswer> =>
  askRaw(app.port, `GET ${target} HTTP/1.1\r\n${UPGRADE}${lines.map((line) => `${line}\r\n`).join('')}\r\n`);

const MARK = 'x-mark-x';

/** Nothing of what the request said comes back, and what does is one well-formed answer. */
function expectMute({ status, headers, body }: UpgradeAnswer, statuses: number | number[]): void {
  expect([statuses].flat()).toContain(status);
  expect(headers['connection'] ?? 'close').toBe('close');
  expect(JSON.stringify(headers) + body).not.toContain(MARK);
  if (headers['content-length'] !== undefined) {
    expect(body).toHaveLength(Number(headers['content-length']));
    expect(JSON.parse(body)).toMatchObject({ statusCode: status });
  }
}

/** Everybody else is served as before. */
async function expectAlive(app: TestApp): Promise<void> {
  const client = await app.connect('/ws');
  await client.settled();
  expect(app.log.of('error')).toEqual([]);
}

expectNoUnhandledErrors();

describe('a Host header', () => {
  const bad: [string, string[]][] = [
    ['none', []],
    ['an empty one', ['Host:']],
    ['one with a space', [`Host: ${MARK} y`]],
    ['one with markup', [`Host: <${MARK}>`]],
    ['one with a path', [`Host: ${MARK}/y`]],
    ['one with a user', [`Host: user@${MARK}`]],
    ['one with a port that is none', [`Host: ${MARK}:y`]],
    ['one with an open bracket', [`Host: [${MARK}`]],
    ['one with a port beyond all', [`Host: ${MARK}:65536`]],
    ['one with a port of many digits', [`Host: ${MARK}:99999999999999999999`]],
    ['one with colons in brackets', ['Host: [:::::]']],
    ['one with an IPv4 address in brackets', ['Host: [127.0.0.1]']],
    ['one with a name in brackets', [`Host: [${MARK}]:80`]],
    ['one beyond ASCII', [`Host: ${MARK}\u00e9`]],
    ['two', [`Host: ${MARK}`, `Host: ${MARK}`]],
    ['two, one of them in a list', [`Host: ${MARK}, ${MARK}`]],
    ['a bad one beside an origin', [`Host: ${MARK} y`, `Origin: http://${MARK}`]],
  ];
  it.each(bad)('that is %s: 400', async (_name, lines) => {
    const app = await startApp({ providers });
    expectMute(await ask(app, lines), 400);
    expect(app.log.of('warn')).toEqual([]);
    await expectAlive(app);
  });

  it.each([
    'chat.example',
    'CHAT.example.:8080',
    'my_backend',
    '[::1]:80',
    '[fe80::1%25eth0]',
    'chat.example:65535',
    'chat.example:00443',
    '10.0.0.1:',
    'a%20b',
  ])('may be %s', async (host) => {
    expect((await ask(await startApp({ providers }), [`Host: ${host}`])).status).toBe(101);
  });
});

describe('a request target', () => {
  it.each([
    `http://${MARK}/ws`,
    `//${MARK}/ws`,
    '//ws',
    '/ws//',
    '/rooms//1',
    '*',
    `${MARK}`,
    `/${MARK}%zz`,
    `/rooms/${MARK}%`,
    `/rooms/${MARK}%ff`,
    `/${MARK}\u0001`,
    `/${MARK}\u00ff`,
    `/${MARK} y`,
    `/${MARK}%0d%0aX-Injected:%201`,
    `/rooms/../${MARK}`,
    `\\${MARK}`,
    `/${MARK.repeat(1_000)}`,
    `/${'/'.repeat(10_000)}${MARK}`,
  ])('that no gateway has: %s', async (target) => {
    const app = await startApp({ providers });
    expectMute(await ask(app, ['Host: chat.example'], target), [400, 404]);
    await expectAlive(app);
  });

  it.each(['/ws', '/ws/', '/%77s', '/ws/?', '/rooms/1', '/%72ooms/1/'])(
    'is one path in all its spellings: %s',
    async (target) => {
      const app = await startApp({ providers });
      expect((await ask(app, ['Host: chat.example'], target)).status).toBe(101);
    },
  );

  it('may have a query that is none', async () => {
    const app = await startApp({ providers });
    for (const query of ['%zz', '%', '%ff=%fe', '&&==&', '__proto__=1', `a=${'b'.repeat(8_000)}`, '?'])
      expect((await ask(app, ['Host: chat.example'], `/ws?${query}`)).status).toBe(101);
  });
});

describe('a handshake', () => {
  const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  const VERSION = 'Sec-WebSocket-Version: 13';
  it.each<[string, string, string[], number, object]>([
    ['without a key', 'GET', [VERSION], 400, {}],
    ['with a key that is none', 'GET', [VERSION, `Sec-WebSocket-Key: ${MARK}`], 400, {}],
    [
      'of another version',
      'GET',
      [KEY, 'Sec-WebSocket-Version: 12'],
      400,
      { 'sec-websocket-version': '13, 8' },
    ],
    ['with subprotocols that are none', 'GET', [KEY, VERSION, `Sec-WebSocket-Protocol: ${MARK},,`], 400, {}],
    ['that is no GET', 'POST', [KEY, VERSION], 405, { allow: 'GET' }],
  ])('%s is refused as all is, in JSON', async (_name, method, lines, status, headers) => {
    const app = await startApp({ providers });
    const head = ['Host: chat.example', 'Connection: Upgrade', 'Upgrade: websocket', ...lines].join('\r\n');
    const answer = await askRaw(app.port, `${method} /ws HTTP/1.1\r\n${head}\r\n\r\n`);
    expectMute(answer, status);
    expect(JSON.parse(answer.body)).toEqual({
      statusCode: status,
      message: expect.any(String),
      error: STATUS_CODES[status],
    });
    expect(answer.headers).toMatchObject({ ...headers, 'content-type': 'application/json; charset=utf-8' });
    await expectAlive(app);
  });
});

describe('an upgrade by HTTP/1.0', () => {
  it.each(['/ws', '/rooms/1'])('is refused, and the log says what to write in nginx: %s', async (target) => {
    const app = await startApp({ providers });
    const answer = await askRaw(app.port, `GET ${target} HTTP/1.0\r\nHost: ${MARK}\r\n${UPGRADE}\r\n`);
    expectMute(answer, 400);
    expect(app.log.of('warn')).toEqual([expect.stringContaining('"proxy_http_version 1.1;"')]);
    await expectAlive(app);
  });
});

describe('headers', () => {
  const host = 'Host: chat.example';

  it.each<[string, string[], number | number[]]>([
    ['64 KiB in one', [host, `X-Long: ${MARK}${'a'.repeat(65_536)}`], 431],
    ['64 KiB in many', [host, ...Array.from({ length: 4_000 }, (_, at) => `X-${MARK}-${at}: 1`)], 431],
    ['a line feed in a value', [host, `Origin: http://a\nX-Injected: ${MARK}`], 400],
    ['a carriage return in a value', [host, `Origin: http://a\rX-Injected: ${MARK}`], 400],
    ['a NUL in a value', [host, `Origin: http://${MARK}\u0000`], 400],
    ['an escape in a value', [host, `Origin: http://${MARK}\u001b[31m`], 400],
    ['a name with a space', [host, `X ${MARK}: 1`], 400],
    ['a line without a colon', [host, MARK], 400],
    ['a folded line', [host, 'X-Folded: 1', ` ${MARK}`], [101, 400]],
  ])('with %s', async (_name, lines, status) => {
    const app = await startApp({ providers });
    const answer = await ask(app, lines);
    if (answer.status !== 101) expectMute(answer, status);
    expect(JSON.stringify(answer)).not.toContain(MARK);
    await expectAlive(app);
  });
});

describe('the refusal of an origin', () => {
  const refused = async (app: TestApp, origin: string, host = 'chat.example'): Promise<UpgradeAnswer> => {
    const answer = await ask(app, [`Host: ${host}`, `Origin: ${origin}`]);
    expect(answer.status).toBe(403);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(Buffer.byteLength(answer.body)).toBe(Number(answer.headers['content-length']));
    return answer;
  };
  const messageOf = ({ body }: UpgradeAnswer): string => (JSON.parse(body) as { message: string }).message;

  it('says nothing of the request, and the log cuts an origin or a host that is long', async () => {
    const app = await startApp({ providers });
    const long = 'a'.repeat(5_000);
    const answer = await refused(app, `http://b${long}`, long);
    expect(messageOf(answer)).not.toContain('aaa');
    const [line] = app.log.of('warn');
    expect(line).toContain(`http://b${'a'.repeat(192)}... may not connect to ${'a'.repeat(200)}...`);
    expect(line!.length).toBeLessThan(2_000);
  });

  it.each([
    ['markup', `http://a</script><img src=x>`],
    ['quotes', `http://a'"\\`],
    ['control characters of Latin-1', `http://a\u009b31m\u0085\u00ff`],
    ['a tab', `http://a\tb`],
    ['a template', 'http://${a}`b`'],
    ['percent-encoded line ends', 'http://a%0d%0aX-Injected:%201'],
  ])('says nothing of the request, and the log shows nothing of %s', async (_name, origin) => {
    const app = await startApp({ providers });
    const answer = await refused(app, origin);
    const shown = origin.replace(/[<>'"\\\t\u0080-\uffff{}`]/g, '?');
    expect(messageOf(answer)).toBe(messageOf(await refused(app, 'http://other')));
    const [line] = app.log.of('warn');
    expect(line).toContain(`The origin ${shown} may not`);
    expect(line).toMatch(/^[\x20-\x7e]+$/);
    expect(line).toContain(`cors: { origin: '${shown}' }`);
  });

  it('warns of what the origin null is', async () => {
    const app = await startApp({ providers });
    await refused(app, 'null');
    expect(app.log.of('warn')[0]).toContain('every sandboxed frame and every local file');
  });

  it.each([
    'http://CHAT.example.',
    'http://chat.example.',
    'http://chat.example:81',
    'http://chat.example:443',
    'https://chat.example:80',
    'http://xchat.example',
    'http://chat.example.evil.example',
    'http://chat.example/',
    'http://chat.example/ws',
    'http://chat.example#',
    'http://chat.example?',
    'http://:@chat.example',
    'http:chat.example',
    'http:/\\chat.example',
    'file://chat.example',
    'ws://chat.example',
    'wss://chat.example',
    'ftp://chat.example',
    'file://',
    'chrome-extension://chat.example',
    'data:text/html,chat.example',
    'javascript:chat.example',
    '//chat.example',
    'chat.example',
    'undefined',
    '*',
    'NULL',
    'http://chat.example, http://chat.example',
    'http://chat.example http://evil.example',
    'http://chat.example;evil',
    'http://chat.example\u00ad',
  ])('%s is not the own', async (origin) => {
    await refused(await startApp({ providers }), origin);
  });

  it.each<[string, string]>([
    ['HTTP://CHAT.EXAMPLE', 'chat.example'],
    ['http://chat.example', 'CHAT.EXAMPLE'],
    ['http://chat.example.', 'chat.example.'],
    ['https://chat.example', 'chat.example:443'],
    ['https://chat.example:8443', 'chat.example:8443'],
    ['http://[::1]:3000', '[::1]:3000'],
    ['http://[::1]:3000', '[0:0:0:0:0:0:0:1]:3000'],
    ['http://xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ])('%s is the own where the host is %s', async (origin, host) => {
    const app = await startApp({ providers });
    expect((await ask(app, [`Host: ${host}`, `Origin: ${origin}`])).status).toBe(101);
  });

  it('comes for an origin that is named twice, also where one of both may', async () => {
    for (const cors of [
      false,
      { origin: 'http://a.example' },
      { origin: ['http://a.example', /^http:\/\/b\.example$/] },
    ]) {
      const app = await startApp({ providers }, { adapter: { cors } });
      const lines = [
        ['http://a.example', 'http://evil.example'],
        ['http://chat.example', 'http://chat.example'],
        ['http://evil.example', 'http://b.example'],
      ];
      for (const both of lines)
        expect((await ask(app, ['Host: chat.example', ...both.map((one) => `Origin: ${one}`)])).status).toBe(
          403,
        );
    }
  });
});

describe('an upgrade request as large as Node takes', () => {
  const names = (data: (index: number) => object, count: number): string =>
    Array.from({ length: count }, (_, index) => data(index))
      .map((auth) => `envelope.auth.${Buffer.from(JSON.stringify(auth)).toString('base64url')}`)
      .join(', ');
  const numbered = (count: number): object =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`x${index}`, null]));

  /** Milliseconds of the quickest of some. */
  async function quickest(app: TestApp, target: string, lines: string[]): Promise<number> {
    let best = Infinity;
    for (let round = 0; round < 5; round++) {
      const begin = performance.now();
      expect((await ask(app, ['Host: chat.example', ...lines], target)).status).toBe(101);
      best = Math.min(best, performance.now() - begin);
    }
    return best;
  }

  it.each([
    ['one field of the query again and again', `/greeted?${'a&'.repeat(7_000)}`, []],
    ['credentials in hundreds of subprotocols', '/greeted', [names((index) => ({ [index]: null }), 350)]],
    [
      'many fields, and then many subprotocols',
      '/greeted',
      [names((index) => (index === 0 ? numbered(400) : { [index]: null }), 200)],
    ],
  ])('costs as much as its bytes: %s', async (_, target, protocols) => {
    const app = await startApp({ providers });
    const plain = await quickest(app, `/greeted?${'a'.repeat(14_000)}`, []);
    const lines = protocols.map((offered) => `Sec-WebSocket-Protocol: ${offered}`);
    expect(await quickest(app, target, lines)).toBeLessThan(plain + 15);
  });
});
