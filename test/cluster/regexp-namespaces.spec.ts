import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { Bus } from '../support/bus.js';
import type { TestClient } from '../support/client.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/rooms', namespace: /^\/\w+$/ })
class Gateway {
  @WebSocketServer() server!: EnvelopeServer;

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    if (client.handshake.query['room'] !== undefined)
      await client.join(String(client.handshake.query['room']));
  }
}

async function startNode(options: EnvelopeOptions) {
  const app = await startApp({ providers: [Gateway] }, { adapter: options });
  const { server } = app.nest.get(Gateway);
  const connect = async (path: string): Promise<TestClient> => {
    const client = await app.connect(path);
    await client.settled();
    return client;
  };
  return { app, server, connect };
}

const names = (client: TestClient): (string | undefined)[] =>
  client.frames.filter(({ ack }) => ack === undefined).map(({ event }) => event);

describe('a RegExp namespace on two nodes', () => {
  it('reaches the clients of all its namespaces, each once, even of namespaces that only another node has', async () => {
    const bus = new Bus();
    const [here, there] = [
      await startNode({ adapter: bus.adapter }),
      await startNode({ adapter: bus.adapter }),
    ];
    const ada = await here.connect('/rooms/one?room=red');
    const bob = await there.connect('/rooms/two?room=red');
    const eve = await there.connect('/rooms/one');
    here.server.emit('all');
    here.server.to('red').emit('red');
    here.server.except('red').emit('not red');
    here.server.emit('end');
    for (const client of [ada, bob, eve]) await client.next('end');
    expect(names(ada)).toEqual(['all', 'red', 'end']);
    expect(names(bob)).toEqual(['all', 'red', 'end']);
    expect(names(eve)).toEqual(['all', 'not red', 'end']);
    expect(await here.server.fetchSockets()).toHaveLength(3);
    expect(await here.server.in('red').fetchSockets()).toHaveLength(2);
    here.server.in('red').disconnectSockets();
    expect((await bob.ended()).code).toBe(1000);
    expect((await eve.ask('$ping')).event).toBe('$ping');
  });

  it('receives serverSideEmit on other nodes', async () => {
    const bus = new Bus();
    const [here, there] = [
      await startNode({ adapter: bus.adapter }),
      await startNode({ adapter: bus.adapter }),
    ];
    const received = new Promise((resolve) => there.server.on('hello', resolve));
    here.server.serverSideEmit('hello', 42);
    expect(await received).toBe(42);
  });

  it('keeps the connection to the broker when its last namespace is removed', async () => {
    const bus = new Bus();
    const [here, there] = [
      await startNode({ adapter: bus.adapter }),
      await startNode({ adapter: bus.adapter }),
    ];
    const ada = await here.connect('/rooms/one');
    ada.close();
    await ada.ended();
    await until('the end of the namespace', () => bus.of('/rooms/one').length === 0);
    expect(bus.of('/rooms')).toHaveLength(2);
    const [reconnected, bob] = [await here.connect('/rooms/one'), await there.connect('/rooms/one')];
    here.server.of('/rooms/one').emit('hello');
    for (const client of [reconnected, bob]) await client.next('hello');
  });
});

describe('a RegExp namespace with recovery in memory', () => {
  it('restores events to one namespace and to all, after its last client has disconnected', async () => {
    const { server, app } = await startNode({ recovery: true });
    const hello = (auth: object): string[] => [
      'envelope.v1',
      `envelope.auth.${Buffer.from(JSON.stringify(auth)).toString('base64url')}`,
    ];
    const ada = await app.connect('/rooms/one', { protocols: hello({}) });
    const { data, ...frame } = await ada.next('$session');
    const { offset } = frame as { offset?: string };
    ada.ws.terminate();
    await ada.ended();
    server.emit('all');
    server.of('/rooms/one').emit('one');
    server.of('/rooms/two').emit('two');
    const reconnected = await app.connect('/rooms/one', {
      protocols: hello({ session: data.session, offset }),
    });
    expect((await reconnected.next('$session')).data).toMatchObject({ id: data.id, recovered: true });
    await reconnected.settled();
    expect(names(reconnected)).toEqual(['$session', 'all', 'one', '$offset']);
  });
});
