import { Injectable, Module, type INestApplication } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  ENVELOPE_OPTIONS,
  EnvelopeModule,
  EnvelopeServer,
  EnvelopeSocket,
  getEnvelopeServerToken,
  InjectEnvelopeServer,
  type EnvelopeOptions,
  type EnvelopeOptionsFactory,
} from '../../lib/index.js';
import { createTestClient } from '../../lib/testing/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { freePort } from '../support/upgrade.js';

@WebSocketGateway()
class MainGateway {
  @SubscribeMessage('join')
  join(client: EnvelopeSocket, room: string): void {
    void client.join(room);
  }
}
@WebSocketGateway({ path: '/chat' })
class ChatGateway {}
@WebSocketGateway({ path: '/news' })
class NewsGateway {}

/** A service without a decorator of this package that broadcasts. */
@Injectable()
class Announcer {
  constructor(readonly server: EnvelopeServer) {}
  announce(text: string): void {
    this.server.emit('announcement', text);
  }
}

@Injectable()
class ChatAnnouncer {
  constructor(
    @InjectEnvelopeServer('/chat') readonly chat: EnvelopeServer,
    @InjectEnvelopeServer('news/') readonly news: EnvelopeServer,
  ) {}
}

@Injectable()
class Listener {
  constructor(private readonly server: EnvelopeServer) {}
  @OnEvent('order.shipped')
  shipped(order: { room: string; id: number }): void {
    this.server.to(order.room).emit('shipped', order.id);
  }
}

@Injectable()
class OptionsFactory implements EnvelopeOptionsFactory {
  createEnvelopeOptions(): EnvelopeOptions {
    return { path: '/made' };
  }
}
@Module({ providers: [OptionsFactory], exports: [OptionsFactory] })
class FactoryModule {}

expectNoUnhandledErrors();

describe('EnvelopeModule', () => {
  it('provides the server to a plain service', async () => {
    const app = await startApp({ imports: [EnvelopeModule.forRoot()], providers: [MainGateway, Announcer] });
    const [ada, bob] = [await createTestClient(app.nest), await createTestClient(app.nest)];
    await ada.emitWithAck('join', 'red');
    const announcer = app.nest.get(Announcer);
    announcer.announce('hello');
    announcer.server.to('red').emit('reds');
    expect(await ada.next('announcement')).toBe('hello');
    expect(await bob.next('announcement')).toBe('hello');
    await ada.next('reds');
    await bob.expectNone('reds');
    expect(announcer.server).toBeInstanceOf(EnvelopeServer);
    expect(announcer.server.sockets.size).toBe(2);
    expect((await announcer.server.fetchSockets()).length).toBe(2);
    expect(announcer.server.name).toBe('/');
  });

  it('provides the server to modules that do not import it', async () => {
    @Module({ providers: [Announcer], exports: [Announcer] })
    class InnerModule {}
    const app = await startApp({
      imports: [InnerModule, EnvelopeModule.forRoot()],
      providers: [MainGateway],
    });
    const client = await createTestClient(app.nest);
    app.nest.get(Announcer).announce('from another module');
    expect(await client.next('announcement')).toBe('from another module');
  });

  it('injects the server of one path', async () => {
    const app = await startApp({
      imports: [EnvelopeModule.forRoot()],
      providers: [ChatGateway, NewsGateway, ChatAnnouncer],
    });
    const [chat, news] = [
      await createTestClient(app.nest, '/chat'),
      await createTestClient(app.nest, '/news'),
    ];
    const servers = app.nest.get(ChatAnnouncer);
    servers.chat.emit('to chat');
    servers.news.emit('to news');
    await Promise.all([chat.next('to chat'), news.next('to news')]);
    await chat.expectNone('to news');
    expect([servers.chat.name, servers.news.name]).toEqual(['/chat', '/news']);
    const byToken = app.nest.get<EnvelopeServer>(getEnvelopeServerToken('/chat'));
    expect(byToken.sockets).toBe(servers.chat.sockets);
  });

  it('injects the server of one path when the adapter has another port', async () => {
    const port = await freePort();
    const app = await startApp(
      { imports: [EnvelopeModule.forRoot()], providers: [ChatGateway, NewsGateway, ChatAnnouncer] },
      { adapter: { port } },
    );
    const client = await createTestClient(app.nest, { path: '/chat', port });
    app.nest.get(ChatAnnouncer).chat.emit('to chat');
    await client.next('to chat');
  });

  it('uses the only existing path as the main one', async () => {
    const app = await startApp({ imports: [EnvelopeModule.forRoot()], providers: [ChatGateway, Announcer] });
    const client = await createTestClient(app.nest, '/chat');
    app.nest.get(Announcer).announce('here');
    expect(await client.next('announcement')).toBe('here');
  });

  it('uses the default path as the main one when several exist', async () => {
    const app = await startApp({
      imports: [EnvelopeModule.forRoot({ path: '/chat' })],
      providers: [NewsGateway, ChatGateway, Announcer],
    });
    expect(app.nest.get(Announcer).server.name).toBe('/chat');
  });

  it('lists the paths in an error when none is the main one', async () => {
    const app = await startApp({
      imports: [EnvelopeModule.forRoot()],
      providers: [NewsGateway, ChatGateway, Announcer],
    });
    expect(() => app.nest.get(Announcer).announce('no server')).toThrow(
      /the paths are: (\/chat, \/news|\/news, \/chat)\. Inject one of them with @InjectEnvelopeServer\('\/path'\)/,
    );
  });

  it('throws an error with the fix when the server is used before an adapter exists', async () => {
    const errors: unknown[] = [];
    const use = (nest: INestApplication): void => {
      for (const act of [
        (server: EnvelopeServer) => server.emit('too early'),
        (server: EnvelopeServer) => server.to('room').emit('too early'),
        (server: EnvelopeServer) => server.name,
      ]) {
        try {
          act(nest.get(EnvelopeServer));
        } catch (error) {
          errors.push((error as Error).message);
        }
      }
    };
    await startApp({ imports: [EnvelopeModule.forRoot()], providers: [MainGateway] }, { before: use });
    expect(errors).toEqual(
      Array(3).fill(expect.stringMatching(/before an EnvelopeAdapter mounted it: call app\./)),
    );
  });

  it('lets @OnEvent listeners broadcast', async () => {
    const app = await startApp({
      imports: [EnvelopeModule.forRoot(), EventEmitterModule.forRoot()],
      providers: [MainGateway, Listener],
    });
    const client = await createTestClient(app.nest);
    await client.emitWithAck('join', 'order-7');
    app.nest.get(EventEmitter2).emit('order.shipped', { room: 'order-7', id: 7 });
    expect(await client.next('shipped')).toBe(7);
  });
});

describe('the options of EnvelopeModule', () => {
  const pathOf = async (...imports: Parameters<typeof startApp>[0]['imports'] & object): Promise<string> => {
    const app = await startApp({ imports, providers: [MainGateway] });
    return app.nest.get(EnvelopeServer).name;
  };

  it.each([
    ['forRoot', () => EnvelopeModule.forRoot({ path: '/made' })],
    ['useFactory', () => EnvelopeModule.forRootAsync({ useFactory: async () => ({ path: '/made' }) })],
    ['useClass', () => EnvelopeModule.forRootAsync({ useClass: OptionsFactory })],
    [
      'useExisting',
      () => EnvelopeModule.forRootAsync({ imports: [FactoryModule], useExisting: OptionsFactory }),
    ],
    [
      'useFactory with inject',
      () =>
        EnvelopeModule.forRootAsync({
          imports: [FactoryModule],
          inject: [OptionsFactory],
          useFactory: (factory: OptionsFactory) => factory.createEnvelopeOptions(),
        }),
    ],
  ])('can come from %s', async (_, make) => {
    expect(await pathOf(make())).toBe('/made');
  });

  it('require a source', () => {
    expect(() => EnvelopeModule.forRootAsync({})).toThrow(/one of useFactory, useClass and useExisting/);
  });

  it('can come from @nestjs/config', async () => {
    const path = await pathOf(
      ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => ({ live: { path: '/configured' } })] }),
      EnvelopeModule.forRootAsync({
        imports: [ConfigModule],
        inject: [ConfigService],
        useFactory: (config: ConfigService) => ({ path: config.getOrThrow<string>('live.path') }),
      }),
    );
    expect(path).toBe('/configured');
  });

  it('are overridden field by field by the adapter, and those by a gateway', async () => {
    @WebSocketGateway({ path: '/own', maxPayload: 300 })
    class OwnGateway {}
    const options = { path: '/module', maxPayload: 100, pingInterval: 0 };
    const app = await startApp(
      { imports: [EnvelopeModule.forRoot(options)], providers: [MainGateway, OwnGateway] },
      { adapter: { maxPayload: 200 } },
    );
    const session = async (path: string): Promise<unknown> =>
      (await (await app.connect(path, { protocols: ['envelope.v1'] })).next('$session')).data;
    expect(await session('/module')).toMatchObject({ maxPayload: 200, pingInterval: 0 });
    expect(await session('/own')).toMatchObject({ maxPayload: 300, pingInterval: 0 });
    expect(app.nest.get(ENVELOPE_OPTIONS)).toEqual({ path: '/module', maxPayload: 100, pingInterval: 0 });
    expect(options).toEqual({ path: '/module', maxPayload: 100, pingInterval: 0 });
  });

  it('are not overridden by undefined', async () => {
    const app = await startApp(
      { imports: [EnvelopeModule.forRoot({ path: '/module' })], providers: [MainGateway] },
      { adapter: { path: undefined } as object },
    );
    expect(app.nest.get(EnvelopeServer).name).toBe('/module');
  });
});
