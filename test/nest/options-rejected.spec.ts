import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Injectable } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { socketIO } from '../../lib/socketio/index.js';
import { startApp } from '../support/app.js';
import { expectRefusedEverywhere, gateway, refusalOf } from './refused-options.js';

describe('an unknown or malformed option', () => {
  const cases: [options: object, error: string][] = [
    [{ pingIntervall: 1 }, 'unknown option "pingIntervall". Did you mean "pingInterval"?'],
    [{ PingInterval: 1 }, 'unknown option "PingInterval". Did you mean "pingInterval"?'],
    [{ recovry: true }, 'unknown option "recovry". Did you mean "recovery"?'],
    [{ frobnicate: true }, 'unknown option "frobnicate". Valid names: pingInterval, '],
    [{ constructor: 1 }, 'unknown option "constructor". Valid names: '],
    [{ pingInterval: '25s' }, 'pingInterval is "25s": it takes milliseconds, a number from 0 on'],
    [{ pingInterval: '25000' }, 'pingInterval is "25000": it takes milliseconds'],
    [{ pingInterval: -1 }, 'pingInterval is -1: it takes milliseconds'],
    [{ pingTimeout: NaN }, 'pingTimeout is NaN: it takes milliseconds'],
    [{ connectTimeout: null }, 'connectTimeout is null: it takes milliseconds'],
    [{ shutdownTimeout: true }, 'shutdownTimeout is true: it takes milliseconds'],
    [{ perMessageDeflate: 'yes' }, 'perMessageDeflate is "yes": it takes true, false, or an object'],
    [{ perMessageDeflate: { shared: 1 } }, 'perMessageDeflate.shared is 1: it takes true or false'],
    [
      { perMessageDeflate: { shared: true, serverNoContextTakeover: false } },
      'perMessageDeflate.serverNoContextTakeover is false: it takes false only without shared',
    ],
    [
      { perMessageDeflate: { threshold: -1 } },
      'perMessageDeflate.threshold is -1: it takes a whole number from 0 on',
    ],
    [
      { perMessageDeflate: { serverMaxWindowBits: 8 } },
      'perMessageDeflate.serverMaxWindowBits is 8: it takes a whole number from 9 to 15',
    ],
    [
      { perMessageDeflate: { zlibDeflateOptions: { level: 10 } } },
      'perMessageDeflate.zlibDeflateOptions.level is 10: it takes a whole number from -1 to 9',
    ],
    [
      { cors: 'http://x' },
      `cors is "http://x": it takes true, false, a function, or an object such as { origin: `,
    ],
    [{ adapter: {} }, 'adapter is {}: it takes a function, such as createAdapter(redis)'],
    [{ allowRequest: true }, 'allowRequest is true: it takes a function, (request, callback) => '],
    [{ verifyClient: 'all' }, 'verifyClient is "all": it takes a function, '],
    [{ handleProtocols: ['a'] }, 'handleProtocols is ["a"]: it takes a function, '],
    [{ messageParser: JSON }, 'messageParser is {}: it takes a function, (data) => '],
    [{ replies: 'never' }, `replies is "never": it takes 'always' or 'requests'`],
    [{ messageContext: 'on' }, 'messageContext is "on": it takes true or false'],
    [{ ordered: 'yes' }, 'ordered is "yes": it takes true or false'],
    [{ limits: { maxRoom: 1 } }, 'unknown limit "maxRoom". Did you mean "maxRooms"?'],
    [{ recovery: 5 }, 'recovery is 5'],
    [{ connectionStateRecovery: true }, 'connectionStateRecovery is true: it takes an object'],
    [{ path: 7 }, `path is 7: it takes a string, such as '/ws'`],
    [{ port: 'http' }, 'port is "http": it takes a whole number from 0 to 65535'],
    [{ port: 70_000 }, 'port is 70000: it takes a whole number from 0 to 65535'],
    [{ host: '127.0.0.1' }, 'the option host has no effect. A gateway'],
  ];

  it.each(cases)(
    'stops the start on the adapter, in the module and on a gateway: %p',
    async (options, error) => expectRefusedEverywhere(options, error),
  );

  it.each([
    [
      { upgradeGuards: 'all' },
      `upgradeGuards is "all": it takes true, false, 'handleConnection' or 'global'`,
    ],
    [{ namespace: 'chat' }, 'namespace is an option of gateways: set it in @WebSocketGateway({ namespace })'],
    [
      { transports: [socketIO] },
      `transports is [the function socketIO]: it takes a list of transports, such as [socketIO()] of 'nestjs-envelope/socket.io'`,
    ],
    [{ transports: {} }, 'transports is {}: it takes a list of transports'],
    [{ transports: [socketIO(), 'websocket'] }, 'transports is [{ name: string, '],
  ])('stops the start on the adapter: %p', async (options, error) => {
    expect(await refusalOf([gateway()], options)).toContain(`EnvelopeAdapter: ${error}`);
  });

  it.each([
    [{ upgradeGuards: true }, 'upgradeGuards is an option of EnvelopeAdapter, not of gateways: set it there'],
    [{ trustProxy: true }, 'trustProxy is an option of EnvelopeAdapter, not of gateways: set it there'],
    [
      { transports: [socketIO()] },
      'transports is an option of EnvelopeAdapter, not of gateways: set it there',
    ],
    [{ namespace: 7 }, `namespace is 7: it takes a string or a RegExp, such as 'chat'`],
  ])('stops the start on a gateway: %p', async (options, error) => {
    expect(await refusalOf([gateway(options)])).toBe(`ChatGateway: ${error}`);
  });

  it.each([[null], ['/ws'], [[]], [5]])(
    'stops the start when the options are not an object: %p',
    async (options) => {
      expect(await refusalOf([gateway()], options)).toContain('EnvelopeAdapter: options is ');
    },
  );

  it('may be undefined', async () => {
    const app = await startApp(
      { providers: [gateway({ pingInterval: undefined, path: '/ws' })] },
      { adapter: { port: undefined, cors: undefined } as object },
    );
    expect(await (await app.connect('/ws')).ask('echo')).toMatchObject({ data: 'echo' });
  });
});

describe('an unknown or malformed option of socketIO()', () => {
  it.each([
    [{ pth: '/io' }, 'unknown option "pth". Did you mean "path"?'],
    [{ path: 'io' }, `path is "io": it takes a path, such as '/socket.io'`],
    [{ path: '/' }, `path is "/": it takes a path, such as '/socket.io'`],
    [
      { transports: ['webtransport'] },
      `transports is ["webtransport"]: it takes a list of 'polling' and 'websocket'`,
    ],
    [{ transports: [] }, 'transports is []: it takes a list of'],
    [{ allowUpgrades: 'no' }, 'allowUpgrades is "no": it takes true or false'],
    [{ upgradeTimeout: 0 }, 'upgradeTimeout is 0: it takes milliseconds, a positive number'],
    [{ httpCompression: 1 }, 'httpCompression is 1: it takes true, false, or an object'],
    [{ perMessageDeflate: 'on' }, 'perMessageDeflate is "on": it takes true, false, or an object'],
    [{ cookie: 'io' }, 'cookie is "io": it takes true, false, or an object'],
    [{ maxNamespaces: 0 }, 'maxNamespaces is 0: it takes a positive whole number'],
    [{ maxAttachments: 1.5 }, 'maxAttachments is 1.5: it takes a positive whole number'],
    [{ cors: true }, 'cors is true: it takes no value here: set it in the options of EnvelopeAdapter'],
    [{ maxHttpBufferSize: 1 }, 'maxHttpBufferSize is 1: it takes no value here'],
    [{ allowEIO3: true }, 'unknown option "allowEIO3". Valid names: path, '],
  ])('is an error: %p', (options, error) => {
    expect(() => socketIO(options as object)).toThrow(`socketIO: ${error}`);
  });

  it('may be undefined', () => {
    expect(socketIO({ path: undefined, cookie: undefined } as object).name).toBe('socketIO');
  });
});

describe('an option of Socket.IO or ws without effect', () => {
  it('is logged once by name and does not stop the start', async () => {
    const options = {
      path: '/ws',
      middlewares: [() => 1],
      cookie: true,
      serveClient: false,
      clientTracking: true,
    };
    const app = await startApp({ providers: [gateway(options), gateway({ ...options, path: '/b' })] });
    const warned = app.log.of('warn').filter((text) => text.includes('has no effect'));
    const line = (name: string): string =>
      `The option "${name}" has no effect over a plain WebSocket and is ignored`;
    expect(warned).toEqual([line('middlewares'), line('cookie'), line('clientTracking')]);
  });
});

describe('an option of Socket.IO that socketIO() has', () => {
  it('is logged with its place', async () => {
    const app = await startApp(
      { providers: [gateway({ cookie: true, serveClient: true, transports: ['websocket'] })] },
      { adapter: { transports: [socketIO()] } },
    );
    expect(app.log.of('warn').filter((text) => text.includes('has no effect'))).toEqual([
      'The option "cookie" has no effect here and is ignored: set it in socketIO({ cookie })',
      'The option "serveClient" has no effect over a plain WebSocket and is ignored',
      'The option "transports" has no effect here and is ignored: set it in socketIO({ transports })',
    ]);
  });
});

describe('the port of a gateway', () => {
  it.each([
    [true, 'true'],
    [80.5, '80.5'],
    ['4001a', '"4001a"'],
    ['70000', '"70000"'],
    ['/ws', '"/ws"'],
  ])('stops the start when Nest would take it for options: %p', async (port, shown) => {
    expect(await refusalOf([gateway(port)])).toBe(
      `ChatGateway: the port is ${shown}: it takes a whole number from 0 to 65535, or options: ` +
        "@WebSocketGateway(4001, { path: '/ws' })",
    );
  });

  it.each([-1, 70_000])('stops the start when it is out of range: %p', async (port) => {
    const text = `the port is ${port}: it takes a whole number from 0 to 65535: @WebSocketGateway(4001)`;
    expect(await refusalOf([gateway(port, { path: '/ws' })])).toBe(`ChatGateway: ${text}`);
  });

  // Nest turns these values into "no options" before the adapter can read them.
  it.each([null, NaN, false, ''])('is the port of the application if it is %p', async (port) => {
    const app = await startApp({ providers: [gateway(port)] });
    expect(await (await app.connect('/')).ask('echo')).toMatchObject({ data: 'echo' });
  });

  it('may be a string, as environment variables are', async () => {
    const port = await freePort();
    const Texts = gateway(String(port));
    const app = await startApp({ providers: [Texts, gateway(undefined, undefined, 'Other')] });
    expect(await (await app.connect('/', { port })).ask('echo')).toMatchObject({ data: 'echo' });
    expect(await (await app.connect('/')).ask('echo')).toMatchObject({ data: 'echo' });
    expect(app.log.of('warn')).toContain(
      `ChatGateway: the port is the text "${port}". Nest ignores options beside a text: write ` +
        `@WebSocketGateway(${port}, options)`,
    );
    await app.close();
    // The closed application restored the metadata of the class.
    const again = await startApp({ providers: [Texts] });
    expect(await (await again.connect('/', { port })).ask('echo')).toMatchObject({ data: 'echo' });
  });

  it('may be a string in the options of the gateway and of the adapter', async () => {
    const [one, two] = [await freePort(), await freePort()];
    const app = await startApp(
      { providers: [gateway({ port: String(one) }), gateway(undefined, undefined, 'Other')] },
      { adapter: { port: String(two) as never } },
    );
    for (const port of [one, two])
      expect(await (await app.connect('/', { port })).ask('echo')).toMatchObject({ data: 'echo' });
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('gateways of one path', () => {
  it.each([
    [{ pingInterval: 1_000 }, { pingInterval: 5_000 }, 'pingInterval: 1000 and 5000', 'pingInterval'],
    [
      { maxPayload: 1_000 },
      { limits: { maxPayload: 2_000 } },
      'limits.maxPayload: 1000 and 2000',
      'limits.maxPayload',
    ],
    [{ cors: true }, { cors: { origin: 'https://a.example' } }, 'cors: true and { origin: string }', 'cors'],
    [{ cors: { origin: 'https://a.example' } }, { cors: { origin: 'https://b.example' } }, 'cors', 'cors'],
  ])(
    'stop the start when their options contradict each other: %p, %p',
    async (first, second, difference, name) => {
      const gateways = [
        gateway({ path: '/ws', ...first }),
        gateway({ path: 'ws/', ...second }, undefined, 'AdminGateway'),
      ];
      expect(await refusalOf(gateways)).toBe(
        `ChatGateway and AdminGateway share the path /ws and differ in ${difference}. One connection serves both: set ` +
          `${name} in one of them, or on EnvelopeAdapter`,
      );
    },
  );

  it('may repeat an option or set it once for all', async () => {
    const cors = { origin: ['https://a.example'] };
    const app = await startApp({
      providers: [
        gateway({ path: '/ws', pingInterval: 1_000, cors }),
        gateway({
          path: '/ws',
          pingInterval: 1_000,
          cors: { origin: ['https://a.example'] },
          maxPayload: 2_000,
        }),
        gateway({ path: '/other', pingInterval: 5_000 }),
      ],
    });
    const client = await app.connect('/ws', { protocols: ['envelope.v1'] });
    expect((await client.next('$session')).data).toMatchObject({ pingInterval: 1_000, maxPayload: 2_000 });
  });
});

describe('an event that no client can send', () => {
  const handlerOf = (event: unknown): new () => object => {
    @Injectable()
    @WebSocketGateway()
    class EventsGateway {
      @SubscribeMessage(event)
      take(): void {}
    }
    return EventsGateway;
  };

  it.each([
    [
      '$x',
      'no client can send the event "$x": names that begin with "$" are reserved for the protocol. Choose another name',
    ],
    ['$ping', 'no client can send the event "$ping": names that begin'],
    [
      'exception',
      'no client can send the event "exception": the server reads an exception of a client as the answer to a request',
    ],
    ['disconnect', 'no client can send the event "disconnect": the name is reserved for the lifecycle'],
    ['', 'the event of @SubscribeMessage is "": it takes a string of at least one character'],
    [undefined, 'the event of @SubscribeMessage is undefined: it takes a string'],
    [7, 'the event of @SubscribeMessage is 7: it takes a string'],
    [{ cmd: 'x' }, 'the event of @SubscribeMessage is { cmd: string }: it takes a string'],
  ])('stops the start: %p', async (event, error) => {
    expect(await refusalOf([handlerOf(event)])).toContain(`EventsGateway.take: ${error}`);
  });
});
