import { createServer } from 'node:http';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Test } from '@nestjs/testing';
import { EnvelopeAdapter, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';

/** A gateway on `/ws` with these options. */
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

/** Sends messages of that many characters. @returns the close code, where one of them ended the line */
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

/** Whether the client is told that it asks too much. */
async function isRefused(client: TestClient, message: string): Promise<boolean> {
  client.send(message);
  return (await client.answer(1)).event === 'exception';
}

const deep = (depth: number): string =>
  `{"event":"echo","id":1,"data":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
const long = (length: number): string => `{"event":"$${'x'.repeat(length - 1)}","id":1}`;

describe('limits as options', () => {
  expectNoUnhandledErrors();

  // on the gateway, on the adapter, and on the gateway against the adapter's
  const places: [where: string, at: (options: object) => Promise<{ client: TestClient; app: TestApp }>][] = [
    ['the gateway', (options) => connect(options)],
    ['the adapter', (options) => connect({}, options)],
    [
      'the gateway, before the adapter’s,',
      (options) => connect(options, { limits: { maxPayload: 77, maxJsonDepth: 1 } }),
    ],
  ];

  describe.each(places)('on %s', (_, at) => {
    it.each([
      [{ limits: { maxPayload: 300 } }, 300],
      [{ limits: { maxPayload: 2_000_000 } }, 2_000_000],
      [{ maxPayload: 400 }, 400],
      [{ maxHttpBufferSize: 500 }, 500],
    ])('%p lets messages through up to its size', async (options, size) => {
      const { client } = await at(options);
      expect((await client.next('$session')).data).toMatchObject({ maxPayload: size });
      expect(await sendSized(client, size)).toBeUndefined();
      expect(await sendSized(client, size + 1)).toBe(1009);
    });

    it.each([{ limits: { maxPayload: false } }, { maxPayload: 0 }, { maxHttpBufferSize: 0 }])(
      '%p lets any size through',
      async (options) => {
        const { client } = await at({
          ...options,
          limits: { ...Reflect.get(options, 'limits'), maxJsonDepth: 64 },
        });
        expect((await client.next('$session')).data).toMatchObject({ maxPayload: 0 });
        expect(await sendSized(client, 100, 6_000_000)).toBeUndefined();
      },
    );

    it.each([2, 100, false])('maxJsonDepth %p', async (maxJsonDepth) => {
      const { client } = await at({ limits: { maxJsonDepth, maxPayload: 1_000_000 } });
      const depth = maxJsonDepth === false ? 1_000 : Number(maxJsonDepth);
      expect(await isRefused(client, deep(depth))).toBe(false);
      expect(await isRefused(client, deep(depth + 1))).toBe(maxJsonDepth !== false);
    });

    it.each([5, 1_000, false])('maxEventNameLength %p', async (maxEventNameLength) => {
      const { client } = await at({
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

  it('the defaults hold where nothing is said', async () => {
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

  it('a size that ws would take for another number is none', async () => {
    const { client } = await connect({ limits: { maxPayload: 2 ** 32 + 100, maxFragments: 2 ** 32 + 1 } });
    expect(await sendSized(client, 200)).toBeUndefined();
  });

  const boots: [what: string, gateway: object, adapter: object, message: string][] = [
    ['a limit that there is not', { limits: { maxRoom: 5 } }, {}, 'LimitedGateway: unknown limit "maxRoom"'],
    ['no value for one', { limits: { maxRooms: '5' } }, {}, 'LimitedGateway: limits.maxRooms is "5"'],
    ['no size', { maxPayload: '1mb' }, {}, 'LimitedGateway: maxPayload is "1mb"'],
    [
      'no size, by Socket.IO’s name',
      { maxHttpBufferSize: -1 },
      {},
      'LimitedGateway: maxHttpBufferSize is -1',
    ],
    [
      'what counts all paths',
      { limits: { maxConnections: 5 } },
      {},
      'LimitedGateway: limits.maxConnections counts all',
    ],
    ['no limits at all', { limits: 5 }, {}, 'LimitedGateway: limits is 5: it takes an object'],
    [
      'an adapter’s limit that there is not',
      {},
      { limits: { rooms: 5 } },
      'EnvelopeAdapter: unknown limit "rooms"',
    ],
    [
      'an adapter’s wrong value',
      {},
      { limits: { maxConnections: 0 } },
      'EnvelopeAdapter: limits.maxConnections is 0',
    ],
    ['an adapter’s wrong size', {}, { maxPayload: NaN }, 'EnvelopeAdapter: maxPayload is NaN'],
  ];

  it.each(boots)('%s keeps the application from starting', async (_, gateway, adapter, message) => {
    const start = startApp({ providers: [gatewayWith(gateway)] }, { adapter: adapter as EnvelopeOptions });
    await expect(start).rejects.toThrow(message);
  });

  it('an adapter that does not see the application finds them when the gateway is bound', async () => {
    const http = createServer();
    const module = await Test.createTestingModule({
      providers: [gatewayWith({ limits: { maxRoom: 5 } })],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    const adapter = new EnvelopeAdapter(http, { upgradeGuards: false });
    app.useWebSocketAdapter(adapter);
    await expect(app.init()).rejects.toThrow('The gateway on /ws: unknown limit "maxRoom"');
    await app.close();
  });
});
