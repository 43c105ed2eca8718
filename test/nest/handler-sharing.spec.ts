import { Injectable, Scope, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  Ack,
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
  type MessageMappingProperties,
} from '@nestjs/websockets';
import { z } from 'zod';
import { Replies } from '../../lib/contract/index.js';
import { EnvelopeAdapter, type EnvelopeOptions, type EnvelopeSocket } from '../../lib/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';

declare const NEST_MAJOR: 11 | 12;

@Injectable()
class NameGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.switchToWs().getData() === 'forbidden') throw new WsException('no');
    const client: EnvelopeSocket = context.switchToWs().getClient();
    client.data.guarded = client.query['name'];
    return true;
  }
}

const nameOf = (client: EnvelopeSocket): unknown => client.query['name'];

@WebSocketGateway({ path: '/ws' })
class FirstGateway {
  readonly text = 'first';
  @SubscribeMessage('who')
  who(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() data: unknown): unknown {
    return { event: 'first', data: [this.text, nameOf(client), data] };
  }
  @UseGuards(NameGuard)
  @SubscribeMessage('guarded')
  guarded(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() data: unknown): unknown {
    return [client.data.guarded, data];
  }
  @SubscribeMessage('acknowledged')
  acknowledged(@Ack() answer: (value: unknown) => void, @ConnectedSocket() client: EnvelopeSocket): void {
    answer(nameOf(client));
  }
  @Replies(z.number())
  @SubscribeMessage('lies')
  lies(): unknown {
    return 'text';
  }
}

@WebSocketGateway({ path: '/ws' })
class SecondGateway {
  readonly text = 'second';
  @SubscribeMessage('who')
  who(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() data: unknown): unknown {
    return { event: 'second', data: [this.text, nameOf(client), data] };
  }
}

let created = 0;

@WebSocketGateway({ path: '/ws' })
@Injectable({ scope: Scope.REQUEST })
class ScopedGateway {
  readonly number = ++created;
  @SubscribeMessage('scoped')
  scoped(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return [this.number, nameOf(client)];
  }
}

/** The arguments of the calls of `bindMessageHandlers`. */
const calls: [client: unknown, events: string[], transform: string][] = [];

/** Looks on as Nest binds handlers. */
class WatchingAdapter extends EnvelopeAdapter {
  override bindMessageHandlers(
    ...args: [EnvelopeSocket, MessageMappingProperties[], transform?: unknown]
  ): void {
    const [client, handlers, transform] = args;
    calls.push([nameOf(client), handlers.map(({ message }) => String(message)), typeof transform]);
    super.bindMessageHandlers(client, handlers);
  }
}

interface Controller {
  subscribeMessages: (...args: unknown[]) => void;
}

function controllerOf(app: TestApp): Controller {
  const module = Reflect.get(app.nest, 'socketModule') as object;
  return Reflect.get(module, 'webSocketsController') as Controller;
}

const GATEWAYS = { providers: [FirstGateway, SecondGateway, ScopedGateway] };

function handlersOf(app: TestApp): unknown[] {
  return app.adapter._servers().flatMap((server) => [...server.sockets.values()].map((c) => c._handlers));
}

/** Each binds handlers in another way. */
const WAYS: [name: string, createAdapter: AppOptions['createAdapter'], isShared: boolean][] = [
  ['clients share the handlers of a gateway', undefined, true],
  ['an adapter overrides bindMessageHandlers', (app, options) => new WatchingAdapter(app, options), false],
  [
    'the adapter does not know the application',
    (app, options) => new EnvelopeAdapter(app.getHttpServer(), { ...options, upgradeGuards: false }),
    false,
  ],
];

describe.each(WAYS)('where %s', (_, createAdapter, isShared) => {
  const start = (adapter?: EnvelopeOptions): Promise<TestApp> =>
    startApp(GATEWAYS, { ...(createAdapter && { createAdapter }), ...(adapter && { adapter }) });

  it('calls the handlers of all gateways for the client that sent the message', async () => {
    const app = await start();
    const a = await app.connect('/ws?name=a');
    const b = await app.connect('/ws?name=b');
    b.send({ event: 'who', data: 2 });
    a.send({ event: 'who', data: 1 });
    for (const [client, name, data] of [[a, 'a', 1] as const, [b, 'b', 2] as const]) {
      expect(await client.next('first')).toMatchObject({ data: ['first', name, data] });
      expect(await client.next('second')).toMatchObject({ data: ['second', name, data] });
    }
    const handlers = handlersOf(app);
    expect(handlers).toHaveLength(2);
    expect(handlers[0] === handlers[1]).toBe(isShared);
  });

  it('runs guards and filters, and injects the acknowledgement', async () => {
    const app = await start();
    await app.connect('/ws?name=other');
    const client = await app.connect('/ws?name=a');
    expect(await client.ask('guarded', 1)).toMatchObject({ data: ['a', 1] });
    client.send({ event: 'guarded', data: 'forbidden' });
    expect(await client.next('exception')).toMatchObject({ data: { message: 'no' } });
    expect(await client.ask('acknowledged')).toMatchObject({ data: 'a' });
  });

  it('makes request-scoped gateways as Nest does', async () => {
    const app = await start();
    const clients = [await app.connect('/ws?name=a'), await app.connect('/ws?name=b')];
    const answers = [];
    for (const client of clients) answers.push((await client.ask('scoped')).data);
    // Nest 11 calls an object that was made without the constructor
    const number = NEST_MAJOR === 12 ? (expect.any(Number) as number) : null;
    expect(answers).toEqual([
      [number, 'a'],
      [number, 'b'],
    ]);
  });
});

it('checks the results of shared handlers with validateEmits', async () => {
  const app = await startApp(GATEWAYS, { adapter: { validateEmits: true } });
  await app.connect('/ws');
  const client = await app.connect('/ws');
  expect(await client.ask('lies')).toMatchObject({ event: 'exception' });
  expect(app.log.of('error')[0]).toContain('FirstGateway.lies answers with data that its @Replies does not');
});

it('calls an overridden bindMessageHandlers for each client and gateway, as Nest does', async () => {
  const app = await startApp(GATEWAYS, { createAdapter: (nest) => new WatchingAdapter(nest) });
  calls.length = 0;
  await app.connect('/ws?name=a');
  await app.connect('/ws?name=b');
  const of = (name: string): typeof calls => [
    [name, ['who', 'guarded', 'acknowledged', 'lies'], 'function'],
    [name, ['who'], 'function'],
    [name, ['scoped'], 'function'],
  ];
  expect(calls).toEqual([...of('a'), ...of('b')]);
});

it('calls a bindMessageHandlers that replaces the own one later', async () => {
  const app = await startApp(GATEWAYS);
  await app.connect('/ws?name=a');
  const bind = app.adapter.bindMessageHandlers.bind(app.adapter);
  let bound = 0;
  app.adapter.bindMessageHandlers = (...args) => {
    bound++;
    bind(...args);
  };
  const client = await app.connect('/ws?name=b');
  expect(bound).toBe(3);
  expect(await client.ask('guarded', 1)).toMatchObject({ data: ['b', 1] });
});

it('lets Nest bind every client where it binds handlers in another way', async () => {
  const prototype = Object.getPrototypeOf(controllerOf(await startApp(GATEWAYS))) as Controller;
  const original = prototype.subscribeMessages;
  prototype.subscribeMessages = function (handlers, client, instance) {
    const others = (handlers as MessageMappingProperties[]).map((handler) => ({
      ...handler,
      callback: (...args: unknown[]) => handler.callback(...args, 'more'),
    }));
    original.call(this, others, client, instance);
  };
  try {
    const app = await startApp(GATEWAYS);
    await app.connect('/ws?name=a');
    const client = await app.connect('/ws?name=b');
    expect(await client.ask('guarded', 1)).toMatchObject({ data: ['b', 1] });
    const [one, other] = handlersOf(app);
    expect(one).not.toBe(other);
  } finally {
    prototype.subscribeMessages = original;
  }
});

it("gives Nest's controller its own method back", async () => {
  const app = await startApp(GATEWAYS);
  const controller = controllerOf(app);
  expect(Object.hasOwn(controller, 'subscribeMessages')).toBe(true);
  await app.close();
  expect(Object.hasOwn(controller, 'subscribeMessages')).toBe(false);
});
