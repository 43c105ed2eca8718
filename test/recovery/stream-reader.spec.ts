import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { EnvelopeServer, EnvelopeSocket, tolerant } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import type { Received, TestClient } from '../support/client.js';
import { deferred, until } from '../support/wait.js';
import { startNode } from './cases.js';
import { RecoveringClient } from './recovery-client.js';

class AdaGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    context.switchToWs().getClient<EnvelopeSocket>().user = { id: 'ada' };
    return true;
  }
}

@UseGuards(AdaGuard)
@WebSocketGateway({ path: '/rooms', namespace: /^\/\w+$/ })
class Rooms {
  @WebSocketServer() server!: EnvelopeServer;
  disconnects = 0;

  handleConnection(client: EnvelopeSocket): void {
    if (client.nsp.name === '/rooms/one') void client.join('red');
  }
  handleDisconnect(): void {
    this.disconnects++;
  }
}

const hello = (auth: object): string[] => [
  'envelope.v1',
  `envelope.auth.${Buffer.from(JSON.stringify(auth)).toString('base64url')}`,
];

const names = (client: TestClient): (string | undefined)[] =>
  client.frames.filter(({ ack }) => ack === undefined).map(({ event }) => event);

describeWithRedis('recovery through a Redis stream', () => {
  const clients: { destroy(): void }[] = [];
  let stream = 0;
  beforeAll(() => redis.start());
  afterAll(() => clients.forEach((client) => client.destroy()));
  // its hook comes last: a client whose Redis has gone waits for another attempt to connect
  const redis = new RedisServer();

  async function connect() {
    const client = createClient({ url: redis.url });
    clients.push(client);
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  it('restores missed events on a node that does not read the stream yet', async () => {
    const streamName = `stream-${stream++}`;
    const options = { streamName, channelPrefix: streamName, blockTimeInMs: 200 };
    const here = await startNode({
      adapter: createAdapter(tolerant(await connect()), options),
      recovery: true,
    });
    const slow = await connect();
    // Its readers never connect.
    const silent = { on: () => undefined, connect: () => new Promise(() => undefined) };
    slow.duplicate = () => Object.assign(Object.create(slow) as object, silent) as never;
    const there = await startNode({ adapter: createAdapter(tolerant(slow), options), recovery: true });
    const ada = await new RecoveringClient().connect(here.app);
    await ada.cut();
    await here.lost(ada);
    here.server.emit('missed');
    await ada.connect(there.app);
    expect(ada.hello).toMatchObject({ recovered: true, session: expect.any(String) });
    expect(await ada.settled()).toEqual(['missed']);
  });

  /** Its readers return what they have read while the gate is open. */
  async function connectGated() {
    const client = await connect();
    let open = deferred();
    open.resolve();
    const duplicate = client.duplicate.bind(client);
    client.duplicate = () => {
      const reader = duplicate();
      const xRead = reader.xRead.bind(reader) as (...args: unknown[]) => Promise<unknown>;
      const late = async (...args: unknown[]): Promise<unknown> => {
        const read = await xRead(...args);
        await open.promise;
        return read;
      };
      return Object.assign(reader, { xRead: late }) as never;
    };
    return { client, gate: { close: () => (open = deferred()), open: () => open.resolve() } };
  }

  /** Starts two nodes on a stream. The second one reads it while its gate is open. */
  async function startPair() {
    const streamName = `stream-${stream++}`;
    const options = { streamName, channelPrefix: streamName, blockTimeInMs: 200 };
    const start = async (client: object) =>
      startNode({ adapter: createAdapter(tolerant(client), options), recovery: true });
    const here = await start(await connect());
    const { client, gate } = await connectGated();
    return { here, there: await start(client), gate };
  }

  it.each(['before its node sends it without an offset', 'after that'])(
    'sends an event of its own node once if the node reads it back late, and the client reconnects %s',
    async (moment) => {
      const { here, there, gate } = await startPair();
      const ada = await new RecoveringClient().connect(here.app);
      const bob = await new RecoveringClient().connect(there.app);
      await ada.cut();
      await here.lost(ada);
      gate.close();
      there.server.emit('own');
      // The event is in the stream, and not read back. After a second the node sends it without an offset.
      if (moment === 'after that') await bob.client.next('own');
      await ada.connect(there.app);
      expect(ada.hello.recovered).toBe(true);
      if (moment !== 'after that') await bob.client.next('own');
      there.server.emit('more');
      await bob.client.next('more');
      gate.open();
      there.server.emit('after');
      await until('the last event', async () => (await ada.settled()).includes('after'));
      expect(ada.events).toEqual(['own', 'more', 'after']);
    },
  );

  it('sends no event again that a node reads later than another one', async () => {
    const { here, there, gate } = await startPair();
    const ada = await new RecoveringClient().connect(here.app);
    here.server.emit('before');
    await ada.client.next('before');
    gate.close();
    for (const event of ['one', 'two', 'three']) here.server.emit(event);
    await ada.client.next('three');
    await ada.cut();
    await here.lost(ada);
    await ada.connect(there.app);
    expect(ada.hello.recovered).toBe(true);
    gate.open();
    here.server.emit('after');
    await until('the last event', async () => (await ada.settled()).includes('after'));
    expect(ada.events).toEqual(['before', 'one', 'two', 'three', 'after']);
  });

  describe('of a RegExp namespace', () => {
    async function disconnectClient() {
      const streamName = `stream-${stream++}`;
      const start = async () => {
        const adapter = createAdapter(tolerant(await connect()), {
          streamName,
          channelPrefix: streamName,
          blockTimeInMs: 200,
        });
        const app = await startApp({ providers: [Rooms] }, { adapter: { adapter, recovery: true } });
        return { app, server: app.nest.get(Rooms).server };
      };
      const [here, there] = [await start(), await start()];
      const ada = await here.app.connect('/rooms/one', { protocols: hello({}) });
      const { data, ...frame } = await ada.next('$session');
      await ada.settled();
      const { offset = (frame as { offset?: string }).offset } = (ada.frames.at(-1) ?? {}) as {
        offset?: string;
      };
      ada.ws.terminate();
      await ada.ended();
      await until('the end of the connection', () => here.app.nest.get(Rooms).disconnects > 0);
      const reconnect = async (path = '/rooms/one'): Promise<Received & { client: TestClient }> => {
        const client = await there.app.connect(path, {
          protocols: hello({ session: data.session, offset }),
        });
        return { ...(await client.next('$session')), client };
      };
      return { here, there, reconnect };
    }

    it('restores what was sent to all of its namespaces', async () => {
      const { here, reconnect } = await disconnectClient();
      here.server.emit('all');
      here.server.of('/rooms/one').emit('one');
      here.server.emit('all again');
      const { data, client } = await reconnect();
      expect(data.recovered).toBe(true);
      await client.settled();
      expect(names(client).filter((name) => !name!.startsWith('$'))).toEqual(['all', 'one', 'all again']);
    });

    it('restores nothing of one path on another', async () => {
      const { there, reconnect } = await disconnectClient();
      const { data } = await reconnect('/rooms/two');
      expect(data.recovered).toBe(false);
      expect(await there.server.of('/rooms/two').in('red').fetchSockets()).toEqual([]);
    });

    it('restores nothing after disconnectUser on all of its namespaces', async () => {
      const { here, reconnect } = await disconnectClient();
      here.server.disconnectUser('ada');
      expect((await reconnect()).data.recovered).toBe(false);
    });
  });
});
