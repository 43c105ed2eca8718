import { Module } from '@nestjs/common';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { SessionAwareAdapter } from 'socket.io-adapter';
import {
  EnvelopeModule,
  EnvelopeServer,
  type AdapterFactory,
  type EnvelopeOptions,
} from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { Bus } from '../support/bus.js';
import { startBareApp } from '../support/bare-gateway.js';
import { coded } from '../support/error-code.js';

const bus = new Bus();

@WebSocketGateway({ path: '/clustered', adapter: bus.adapter } as object)
class Clustered {
  @WebSocketServer() server!: EnvelopeServer;
}

@WebSocketGateway({ path: '/alone' })
class Single {
  @WebSocketServer() server!: EnvelopeServer;
}

/** A dependency of the application: the client of a broker, in a module. */
class Broker {
  readonly bus = new Bus();
}

@Module({ providers: [Broker], exports: [Broker] })
class BrokerModule {}

describe('the option adapter', () => {
  it('can be set per gateway', async () => {
    const apps = [
      await startApp({ providers: [Clustered, Single] }),
      await startApp({ providers: [Clustered, Single] }),
    ];
    const clients = [await apps[1]!.connect('/clustered'), await apps[1]!.connect('/alone')];
    for (const client of clients) await client.settled();
    const { server } = apps[0]!.nest.get(Clustered);
    server.emit('hello');
    apps[0]!.nest.get(Single).server.emit('hello');
    server.emit('end');
    await clients[0]!.next('end');
    await clients[1]!.settled();
    expect(clients.map(({ frames }) => frames.some(({ event }) => event === 'hello'))).toEqual([true, false]);
    expect(server.cluster.state).toBe('connected');
    expect(apps[0]!.nest.get(Single).server.cluster).toMatchObject({ state: 'alone', nodes: 1 });
  });

  it('can be created by the module from injected dependencies', async () => {
    const shared = new Broker();
    const start = () =>
      startApp(
        {
          imports: [
            EnvelopeModule.forRootAsync({
              imports: [BrokerModule],
              inject: [Broker],
              useFactory: (broker: Broker) => ({ adapter: broker.bus.adapter }),
            }),
          ],
          providers: [Single],
        },
        { override: (builder) => builder.overrideProvider(Broker).useValue(shared) },
      );
    const [here, there] = [await start(), await start()];
    const client = await there.connect('/alone');
    await client.settled();
    here.nest.get(EnvelopeServer).emit('hello');
    await client.next('hello');
  });
});

describe('an adapter that cannot be created', () => {
  it('fails the start with an error that names the path and the cause', async () => {
    // A worker of Jest has a parent process. An application that was started directly has none.
    const { send } = process;
    Reflect.set(process, 'send', undefined);
    try {
      // It does not create the adapter itself, which would leave a timer.
      const adapter: AdapterFactory = () => process.send!('hello') as never;
      const failed = startBareApp({ adapter });
      await expect(failed).rejects.toThrow(
        coded('ERR_ENVELOPE_ADAPTER_FAILED', /^\/ws: its adapter could not be created: .*cluster\.fork\(\)/),
      );
    } finally {
      Reflect.set(process, 'send', send);
    }
  });
});

describe('the option recovery', () => {
  const start = (options: object): Promise<unknown> => startBareApp(options as EnvelopeOptions);

  it('fails the start with an adapter that stores nothing, and names adapters that do', async () => {
    const failed = start({ adapter: bus.adapter, recovery: true });
    await expect(failed).rejects.toThrow(
      /BusAdapter stores nothing for disconnected clients: .*in memory.*redis-streams-adapter/,
    );
  });

  it('names the paths of the gateways, and not the parent paths that Nest creates', async () => {
    @WebSocketGateway({ namespace: 'chat' })
    class Chat {}
    @WebSocketGateway({ namespace: 'notifications' })
    class Notifications {}
    const failed = startApp(
      { providers: [Chat, Notifications] },
      { adapter: { adapter: bus.adapter, recovery: true } },
    );
    await expect(failed).rejects.toThrow(
      coded(
        'ERR_ENVELOPE_RECOVERY_UNSUPPORTED',
        'EnvelopeAdapter: recovery is set for /chat and /notifications, and BusAdapter stores nothing',
      ),
    );
  });

  it('only logs a warning under its name in Socket.IO, and clients get new sessions, as there', async () => {
    const node = await startBareApp({ adapter: bus.adapter, connectionStateRecovery: {} });
    expect(node.app.log.of('warn')).toEqual([
      'EnvelopeAdapter: connectionStateRecovery is set for /ws, and BusAdapter stores nothing for disconnected clients: ' +
        'each client that reconnects gets a new session, as with Socket.IO. To recover, use the adapter in memory (leave ' +
        'the option adapter out), or that of @socket.io/redis-streams-adapter',
    ]);
    const client = await node.app.connect('/ws', { protocols: ['envelope.v1'] });
    const { data } = await client.next('$session');
    expect(data).not.toHaveProperty('session');
    expect(data.features).not.toContain('recovery');
    node.server.emit('news', 1);
    expect(await client.next('news')).toEqual({ event: 'news', data: 1 });
  });

  it('also fails with an adapter that stores sessions and does not share them', async () => {
    const adapter: AdapterFactory = SessionAwareAdapter;
    await expect(start({ adapter, recovery: true })).rejects.toThrow('SessionAwareAdapter');
  });

  it.each([
    [
      { recovery: 'yes' },
      'EnvelopeAdapter: recovery is yes: it takes true, false, or { maxDisconnectionDuration: 120_000 }',
    ],
    [
      { recovery: { duration: 1 } },
      'EnvelopeAdapter: unknown option of recovery "duration". Valid names: maxDisconnectionDuration, maxStoredBytes',
    ],
    [
      { recovery: { maxDisconnectionDuration: 0 } },
      'recovery.maxDisconnectionDuration is 0: it takes a positive whole number',
    ],
    [
      { recovery: { maxStoredBytes: '1' } },
      'recovery.maxStoredBytes is "1": it takes a positive whole number',
    ],
  ])('reports the mistake in %p', async (options, message) => {
    await expect(start(options)).rejects.toThrow(message);
  });

  it.each([[undefined], [false], [{ maxDisconnectionDuration: 1_000 }]])('accepts %p', async (recovery) => {
    await expect(start({ recovery })).resolves.toBeDefined();
  });

  it('also has the name of Socket.IO', async () => {
    const node = await startBareApp({ connectionStateRecovery: { maxDisconnectionDuration: 1_000 } });
    expect(node.server.opts).toEqual({ connectionStateRecovery: { maxDisconnectionDuration: 1_000 } });
  });
});
