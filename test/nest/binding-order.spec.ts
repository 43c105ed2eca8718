import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { GatewayOptions } from '../../lib/nest/options/options.js';
import { EnvelopeAdapter } from '../../lib/index.js';
import { startApp } from '../support/app.js';

/** The calls of all gateways, in order. */
let log: string[] = [];

beforeEach(() => {
  log = [];
});

function gatewayOf(name: string, options: GatewayOptions = { path: '/ws' }): Type {
  @WebSocketGateway(options)
  class OneOfMany {
    afterInit(): void {
      log.push(`${name} init`);
    }
    handleConnection(): void {
      log.push(`${name} connection`);
    }
    handleDisconnect(): void {
      log.push(`${name} disconnect`);
    }
    @SubscribeMessage('name')
    name(): string {
      return name;
    }
    @SubscribeMessage('later')
    async later(): Promise<string> {
      await new Promise(setImmediate);
      return name;
    }
    @SubscribeMessage('last only')
    lastOnly(): string | undefined {
      return name === 'c' ? name : undefined;
    }
  }
  return OneOfMany;
}

const [a, b, c] = ['a', 'b', 'c'].map((name) => gatewayOf(name)) as [Type, Type, Type];

@Module({ providers: [c] })
class Imported {}

describe('gateways of one path', () => {
  it.each([
    ['of one module', { providers: [a, b, c] }],
    ['of two modules', { imports: [Imported], providers: [a, b] }],
  ])('bind, connect and answer in the order of their registration: %s', async (_, metadata) => {
    const app = await startApp(metadata);
    expect(log.splice(0)).toEqual(['a init', 'b init', 'c init']);
    const client = await app.connect('/ws');
    await client.settled();
    expect(log.splice(0)).toEqual(['a connection', 'b connection', 'c connection']);
    for (const event of ['name', 'later']) {
      expect(await client.ask(event)).toMatchObject({ event, data: 'a' });
      client.send({ event });
      await client.settled();
      const values = client.frames.filter((frame) => frame.event === event && frame.ack === undefined);
      expect(values.map(({ data }) => data)).toEqual(['a', 'b', 'c']);
    }
    expect((await client.ask('last only')).data).toBe('c');
    client.close();
    await client.ended();
    await app.close();
    expect(log).toEqual(['a disconnect', 'b disconnect', 'c disconnect']);
  });

  it('run their middlewares in the order of their registration', async () => {
    const order: string[] = [];
    const using = (name: string): Type => {
      @WebSocketGateway({ path: '/ws' })
      class Using {
        afterInit(server: { use(middleware: (client: unknown, next: () => void) => void): void }): void {
          server.use((_client, next) => {
            order.push(name);
            next();
          });
        }
      }
      return Using;
    };
    const app = await startApp({ providers: [using('a'), using('b')] });
    await (await app.connect('/ws')).settled();
    expect(order).toEqual(['a', 'b']);
  });
});

describe('overlapping RegExp namespaces', () => {
  const first = gatewayOf('first', { path: '/', namespace: /^\/game-\d+$/ });
  const second = gatewayOf('second', { path: '/', namespace: /^\/game-.+$/ });

  it('match a path in the order of their registration', async () => {
    const app = await startApp({ providers: [first, second] });
    expect((await (await app.connect('/game-1')).ask('name')).data).toBe('first');
    expect((await (await app.connect('/game-x')).ask('name')).data).toBe('second');
  });

  it('match a path in the order of their registration, also if the wider one is first', async () => {
    const app = await startApp({ providers: [second, first] });
    expect((await (await app.connect('/game-1')).ask('name')).data).toBe('second');
  });
});

it('keeps the registration order in an application created by NestFactory', async () => {
  class Root {}
  Module({ providers: [a, b, c] })(Root);
  const nest = await NestFactory.create(Root, { logger: false });
  nest.useWebSocketAdapter(new EnvelopeAdapter(nest));
  await nest.init();
  await nest.close();
  expect(log).toEqual(['a init', 'b init', 'c init']);
});

it('leaves the application unchanged after it has closed', async () => {
  const app = await startApp({ providers: [a] });
  await app.close();
  expect(Object.getOwnPropertyDescriptor(app.nest, 'socketModule')).toMatchObject({
    value: expect.any(Object),
    writable: true,
  });
});
