import { createServer } from 'node:http';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Test } from '@nestjs/testing';
import { EnvelopeAdapter, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { coded } from '../support/error-code.js';

/** Returns a gateway on `/ws` with these options. */
function gatewayWith(options: object = {}): new () => object {
  @WebSocketGateway({ path: '/ws', ...options })
  class LimitedGateway {
    @SubscribeMessage('echo')
    echo(@MessageBody() data: unknown): unknown {
      return data;
    }
  }
  return LimitedGateway;
}

async function connect(
  gateway: object | undefined,
  adapter: EnvelopeOptions = {},
): Promise<{ app: TestApp; client: TestClient }> {
  const app = await startApp({ providers: [gatewayWith(gateway)] }, { adapter });
  return { app, client: await app.connect('/ws', { protocols: ['envelope.v1'] }) };
}

/** Sends messages of these lengths. @returns the close code, if one of them closed the connection */
async function sendSized(client: TestClient, ...sizes: number[]): Promise<number | undefined> {
  for (const size of sizes) {
    const head = `{"event":"echo","id":"${size}","data":"`;
    client.send(`${head}${'x'.repeat(size - head.length - 2)}"}`);
    await client.until(
      'an answer',
      () => client.closed !== undefined || client.frames.at(-1)?.ack === `${size}`,
    );
  }
  return client.closed?.code;
}

/** Whether the server answers the message with an exception. */
async function isRefused(client: TestClient, message: string): Promise<boolean> {
  client.send(message);
  return (await client.answer(1)).event === 'exception';
}

const deep = (depth: number): string =>
  `{"event":"echo","id":1,"data":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
const long = (length: number): string => `{"event":"$${'x'.repeat(length - 1)}","id":1}`;

describe('limits as options', () => {
  expectNoUnhandledErrors();

  // On the gateway, on the adapter, and on the gateway over other values on the adapter.
  const levels: [
    level: string,
    connectWith: (options: object) => Promise<{ client: TestClient; app: TestApp }>,
  ][] = [
    ['on the gateway', (options) => connect(options)],
    ['on the adapter', (options) => connect({}, options)],
    [
      'on the gateway, over other values on the adapter',
      (options) => connect(options, { limits: { maxPayload: 77, maxJsonDepth: 1 } }),
    ],
  ];

  describe.each(levels)('%s', (_, connectWith) => {
    it.each([
      [{ limits: { maxPayload: 300 } }, 300],
      [{ limits: { maxPayload: 2_000_000 } }, 2_000_000],
      [{ maxPayload: 400 }, 400],
      [{ maxHttpBufferSize: 500 }, 500],
    ])('%p accepts messages up to its size', async (options, size) => {
      const { client } = await connectWith(options);
      expect((await client.next('$session')).data).toMatchObject({ maxPayload: size });
      expect(await sendSized(client, size)).toBeUndefined();
      expect(await sendSized(client, size + 1)).toBe(1009);
    });

    it.each([{ limits: { maxPayload: false } }, { maxPayload: 0 }, { maxHttpBufferSize: 0 }])(
      '%p accepts any size',
      async (options) => {
        const { client } = await connectWith({
          ...options,
          limits: { ...Reflect.get(options, 'limits'), maxJsonDepth: 64 },
        });
        expect((await client.next('$session')).data).toMatchObject({ maxPayload: 0 });
        expect(await sendSized(client, 100, 6_000_000)).toBeUndefined();
      },
    );

    it.each([2, 100, false])('maxJsonDepth %p', async (maxJsonDepth) => {
      const { client } = await connectWith({ limits: { maxJsonDepth, maxPayload: 1_000_000 } });
      const depth = maxJsonDepth === false ? 1_000 : Number(maxJsonDepth);
      expect(await isRefused(client, deep(depth))).toBe(false);
      expect(await isRefused(client, deep(depth + 1))).toBe(maxJsonDepth !== false);
    });

    it.each([5, 1_000, false])('maxEventNameLength %p', async (maxEventNameLength) => {
      const { client } = await connectWith({
        limits: { maxEventNameLength, maxPayload: 1_000_000, maxJsonDepth: 64 },
      });
      const length = maxEventNameLength === false ? 100_000 : Number(maxEventNameLength);
      client.send(long(length));
      expect((await client.answer(1)).data.code).toBe('reserved_event');
      client.send(long(length + 1));
      const code = maxEventNameLength === false ? 'reserved_event' : 'bad_event';
      expect((await client.answer(1)).data.code).toBe(code);
    });
  });

  it('have defaults', async () => {
    const { client } = await connect(undefined);
    expect((await client.next('$session')).data).toMatchObject({ maxPayload: 1_000_000 });
    expect(await isRefused(client, deep(64))).toBe(false);
    expect(await isRefused(client, deep(65))).toBe(true);
    client.send(long(256));
    expect((await client.answer(1)).data.code).toBe('reserved_event');
    client.send(long(257));
    expect((await client.answer(1)).data.code).toBe('bad_event');
    expect(await sendSized(client, 1_000_000)).toBeUndefined();
    expect(await sendSized(client, 1_000_001)).toBe(1009);
  });

  it('a size over 32 bits is not truncated', async () => {
    const { client } = await connect({ limits: { maxPayload: 2 ** 32 + 100, maxFragments: 2 ** 32 + 1 } });
    expect(await sendSized(client, 200)).toBeUndefined();
  });

  const mistakes: [what: string, gateway: object, adapter: object, message: string][] = [
    ['an unknown limit', { limits: { maxRoom: 5 } }, {}, 'LimitedGateway: unknown limit "maxRoom"'],
    [
      'a limit with a wrong value',
      { limits: { maxRooms: '5' } },
      {},
      'LimitedGateway: limits.maxRooms is "5"',
    ],
    ['a wrong size', { maxPayload: '1mb' }, {}, 'LimitedGateway: maxPayload is "1mb"'],
    [
      'a wrong size under its name in Socket.IO',
      { maxHttpBufferSize: -1 },
      {},
      'LimitedGateway: maxHttpBufferSize is -1',
    ],
    [
      'a limit for all paths',
      { limits: { maxConnections: 5 } },
      {},
      'LimitedGateway: limits.maxConnections counts all',
    ],
    ['limits that are not an object', { limits: 5 }, {}, 'LimitedGateway: limits is 5: it takes an object'],
    [
      'an unknown limit on the adapter',
      {},
      { limits: { rooms: 5 } },
      'EnvelopeAdapter: unknown limit "rooms"',
    ],
    [
      'a wrong value on the adapter',
      {},
      { limits: { maxConnections: 0 } },
      'EnvelopeAdapter: limits.maxConnections is 0',
    ],
    ['a wrong size on the adapter', {}, { maxPayload: NaN }, 'EnvelopeAdapter: maxPayload is NaN'],
  ];

  it.each(mistakes)('the application does not start with %s', async (_, gateway, adapter, message) => {
    const start = startApp({ providers: [gatewayWith(gateway)] }, { adapter: adapter as EnvelopeOptions });
    await expect(start).rejects.toThrow(message);
  });

  it('an adapter without the application finds mistakes when it binds the gateway', async () => {
    const http = createServer();
    const module = await Test.createTestingModule({
      providers: [gatewayWith({ limits: { maxRoom: 5 } })],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    const adapter = new EnvelopeAdapter(http, { upgradeGuards: false });
    app.useWebSocketAdapter(adapter);
    await expect(app.init()).rejects.toThrow(
      coded('ERR_ENVELOPE_INVALID_OPTION', 'The gateway on /ws: unknown limit "maxRoom"'),
    );
    await app.close();
  });
});
