import { STATUS_CODES } from 'node:http';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { timesAsLong } from '../support/growth.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestRaw, type UpgradeResponse } from '../support/upgrade.js';

@WebSocketGateway({ path: '/ws' })
class BareGateway {
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

const providers = [BareGateway, RoomGateway, GreetingGateway];

const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** Sends an upgrade request with the header lines of RFC 6455 and these lines. */
const ask = (app: TestApp, lines: readonly string[], target = '/ws'): Promise<UpgradeResponse> =>
  requestRaw(
    app.port,
    `GET ${target} HTTP/1.1\r\n${UPGRADE}${lines.map((line) => `${line}\r\n`).join('')}\r\n`,
  );

const MARK = 'x-mark-x';

/** Expects one well-formed answer that contains nothing of the request. */
function expectPlainAnswer({ status, headers, body }: UpgradeResponse, statuses: number | number[]): void {
  expect([statuses].flat()).toContain(status);
  expect(headers['connection'] ?? 'close').toBe('close');
  expect(JSON.stringify(headers) + body).not.toContain(MARK);
  if (headers['content-length'] !== undefined) {
    expect(body).toHaveLength(Number(headers['content-length']));
    expect(JSON.parse(body)).toMatchObject({ statusCode: status });
  }
}

/** Expects that other clients are still served. */
async function expectServing(app: TestApp): Promise<void> {
  const client = await app.connect('/ws');
  await client.settled();
  expect(app.log.of('error')).toEqual([]);
}

expectNoUnhandledErrors();

describe('a Host header', () => {
  const bad: [string, string[]][] = [
    ['no header', []],
    ['an empty header', ['Host:']],
    ['a header with a space', [`Host: ${MARK} y`]],
    ['a header with markup', [`Host: <${MARK}>`]],
    ['a header with a path', [`Host: ${MARK}/y`]],
    ['a header with a user', [`Host: user@${MARK}`]],
    ['a header with an invalid port', [`Host: ${MARK}:y`]],
    ['a header with an open bracket', [`Host: [${MARK}`]],
    ['a header with a port out of range', [`Host: ${MARK}:65536`]],
    ['a header with a port of many digits', [`Host: ${MARK}:99999999999999999999`]],
    ['a header with colons in brackets', ['Host: [:::::]']],
    ['a header with an IPv4 address in brackets', ['Host: [127.0.0.1]']],
    ['a header with a name in brackets', [`Host: [${MARK}]:80`]],
    ['a header beyond ASCII', [`Host: ${MARK}\u00e9`]],
    ['two headers', [`Host: ${MARK}`, `Host: ${MARK}`]],
    ['two headers, one of them with a list', [`Host: ${MARK}, ${MARK}`]],
    ['an invalid header beside an origin', [`Host: ${MARK} y`, `Origin: http://${MARK}`]],
  ];
  it.each(bad)('refuses with 400: %s', async (_name, lines) => {
    const app = await startApp({ providers });
    expectPlainAnswer(await ask(app, lines), 400);
    expect(app.log.of('warn')).toEqual([]);
    await expectServing(app);
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
  ])('accepts %s', async (host) => {
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
  ])('without a gateway is refused: %s', async (target) => {
    const app = await startApp({ providers });
    expectPlainAnswer(await ask(app, ['Host: chat.example'], target), [400, 404]);
    await expectServing(app);
  });

  it.each(['/ws', '/ws/', '/%77s', '/ws/?', '/rooms/1', '/%72ooms/1/'])(
    'matches its path in any spelling: %s',
    async (target) => {
      const app = await startApp({ providers });
      expect((await ask(app, ['Host: chat.example'], target)).status).toBe(101);
    },
  );

  it('may have a malformed query', async () => {
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
    ['with an invalid key', 'GET', [VERSION, `Sec-WebSocket-Key: ${MARK}`], 400, {}],
    [
      'of an unsupported version',
      'GET',
      [KEY, 'Sec-WebSocket-Version: 12'],
      400,
      { 'sec-websocket-version': '13, 8' },
    ],
    ['with invalid subprotocols', 'GET', [KEY, VERSION, `Sec-WebSocket-Protocol: ${MARK},,`], 400, {}],
    ['with another method than GET', 'POST', [KEY, VERSION], 405, { allow: 'GET' }],
  ])('%s is refused with a JSON answer', async (_name, method, lines, status, headers) => {
    const app = await startApp({ providers });
    const head = ['Host: chat.example', 'Connection: Upgrade', 'Upgrade: websocket', ...lines].join('\r\n');
    const answer = await requestRaw(app.port, `${method} /ws HTTP/1.1\r\n${head}\r\n\r\n`);
    expectPlainAnswer(answer, status);
    expect(JSON.parse(answer.body)).toEqual({
      statusCode: status,
      message: expect.any(String),
      error: STATUS_CODES[status],
    });
    expect(answer.headers).toMatchObject({ ...headers, 'content-type': 'application/json; charset=utf-8' });
    await expectServing(app);
  });
});

describe('an upgrade by HTTP/1.0', () => {
  it.each(['/ws', '/rooms/1'])('is refused, and logs the nginx directive: %s', async (target) => {
    const app = await startApp({ providers });
    const answer = await requestRaw(app.port, `GET ${target} HTTP/1.0\r\nHost: ${MARK}\r\n${UPGRADE}\r\n`);
    expectPlainAnswer(answer, 400);
    expect(app.log.of('warn')).toEqual([expect.stringContaining('"proxy_http_version 1.1;"')]);
    await expectServing(app);
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
  ])('are refused or ignored with %s', async (_name, lines, status) => {
    const app = await startApp({ providers });
    const answer = await ask(app, lines);
    if (answer.status !== 101) expectPlainAnswer(answer, status);
    expect(JSON.stringify(answer)).not.toContain(MARK);
    await expectServing(app);
  });
});

describe('the refusal of an origin', () => {
  const expect403 = async (app: TestApp, origin: string, host = 'chat.example'): Promise<UpgradeResponse> => {
    const answer = await ask(app, [`Host: ${host}`, `Origin: ${origin}`]);
    expect(answer.status).toBe(403);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(Buffer.byteLength(answer.body)).toBe(Number(answer.headers['content-length']));
    return answer;
  };
  const messageOf = ({ body }: UpgradeResponse): string => (JSON.parse(body) as { message: string }).message;

  it('contains nothing of the request, and the log cuts a long origin or host', async () => {
    const app = await startApp({ providers });
    const long = 'a'.repeat(5_000);
    const answer = await expect403(app, `http://b${long}`, long);
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
  ])('contains nothing of the request, and the log replaces %s', async (_name, origin) => {
    const app = await startApp({ providers });
    const answer = await expect403(app, origin);
    const logged = origin.replace(/[<>'"\\\t\u0080-\uffff{}`]/g, '?');
    expect(messageOf(answer)).toBe(messageOf(await expect403(app, 'http://other')));
    const [line] = app.log.of('warn');
    expect(line).toContain(`The origin ${logged} may not`);
    expect(line).toMatch(/^[\x20-\x7e]+$/);
    expect(line).toContain(`cors: { origin: '${logged}' }`);
  });

  it('logs what the origin null means', async () => {
    const app = await startApp({ providers });
    await expect403(app, 'null');
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
  ])('applies to %s, which is not the own origin', async (origin) => {
    await expect403(await startApp({ providers }), origin);
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
  ])('does not apply to %s with the host %s', async (origin, host) => {
    const app = await startApp({ providers });
    expect((await ask(app, [`Host: ${host}`, `Origin: ${origin}`])).status).toBe(101);
  });

  it('applies to a request with two origins, even if one of them is allowed', async () => {
    for (const cors of [
      false,
      { origin: 'http://a.example' },
      { origin: ['http://a.example', /^http:\/\/b\.example$/] },
    ]) {
      const app = await startApp({ providers }, { adapter: { cors } });
      for (const [a, b] of [
        ['http://a.example', 'http://evil.example'],
        ['http://chat.example', 'http://chat.example'],
        ['http://evil.example', 'http://b.example'],
      ])
        expect((await ask(app, ['Host: chat.example', `Origin: ${a}`, `Origin: ${b}`])).status).toBe(403);
    }
  });
});

describe('an upgrade request of the largest size that Node accepts', () => {
  /** Times as long as one field of these bytes: it is 2 to 3 times, and 20 times if a step is quadratic. */
  const MOST = 8;
  const names = (data: (index: number) => object, count: number): string =>
    Array.from({ length: count }, (_, index) => data(index))
      .map((auth) => `envelope.auth.${Buffer.from(JSON.stringify(auth)).toString('base64url')}`)
      .join(', ');
  const numbered = (count: number): object =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`x${index}`, null]));

  it.each([
    ['one query field repeated many times', `/greeted?${'a&'.repeat(7_000)}`, []],
    ['credentials in hundreds of subprotocols', '/greeted', [names((index) => ({ [index]: null }), 350)]],
    [
      'many fields, and then many subprotocols',
      '/greeted',
      [names((index) => (index === 0 ? numbered(400) : { [index]: null }), 200)],
    ],
  ])('takes time in proportion to its bytes: %s', async (_, target, protocols) => {
    const app = await startApp({ providers });
    const request = async (path: string, lines: readonly string[] = []): Promise<void> =>
      expect((await ask(app, ['Host: chat.example', ...lines], path)).status).toBe(101);
    const lines = protocols.map((offered) => `Sec-WebSocket-Protocol: ${offered}`);
    const many = (): Promise<void> => request(target, lines);
    const plain = (): Promise<void> => request(`/greeted?${'a'.repeat(14_000)}`);
    expect(await timesAsLong(many, plain, MOST)).toBeLessThan(MOST);
  });
});
