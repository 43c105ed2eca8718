import type { Socket } from 'node:net';
import { FaultyNetwork } from '../support/faulty-network.js';
import { until } from '../support/wait.js';
import { describeServers, startIoApp, type IoApp, type IoAppOptions } from './fixture.js';
import type { IoClient } from './io-client.js';
import { ChatGateway, TalkGateway } from './network-gateways.js';

const RECONNECTING = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 50, timeout: 10_000 };
/** Milliseconds. Both sides notice silence soon: after a break in an upgrade nothing else tells them. */
const SHORT_PINGS = { pingInterval: 500, pingTimeout: 1_000 };
/** The number of places at which the connection breaks, in each direction. */
const PLACES = 12;

/** What the client keeps of a transport that it tries. */
interface Probe {
  ws: { _socket: Socket };
}

describeServers('an upgrade from polling to a WebSocket, server', (server) => {
  let app: IoApp;
  let talk: TalkGateway;
  let network: FaultyNetwork;
  beforeEach(async () => {
    await start({ reference: SHORT_PINGS, ours: SHORT_PINGS });
  });
  // after the clients, which would connect again
  const networks: FaultyNetwork[] = [];
  afterAll(() => {
    for (const one of networks) one.close();
  });

  async function start(options?: IoAppOptions): Promise<void> {
    app = await startIoApp(server, { providers: [TalkGateway, ChatGateway] }, options);
    talk = app.nest.get(TalkGateway);
    network = await FaultyNetwork.to(app.port);
    networks.push(network);
  }
  const open = (): IoClient =>
    app.open('/', { port: network.port, transport: 'upgraded', autoConnect: false, ...RECONNECTING });

  /** Connects a client that tells something after each connect. Resolves when it is answered over a WebSocket. */
  async function connectTelling(): Promise<IoClient> {
    const client = open();
    let connects = 0;
    client.socket.on('connect', () => {
      client.emit('tell', `connect ${connects++}`);
      client.emit('join', 'room');
    });
    client.emit('tell', 'first');
    client.socket.connect();
    await until('an answer over a WebSocket', async () => {
      if (client.transport !== 'websocket' || !client.socket.connected) return false;
      return client.ask('echo', 1).then(
        () => client.transport === 'websocket',
        () => false,
      );
    });
    return client;
  }

  /** Expects that nothing was told twice, and that the server has one client left, which is this one. */
  async function expectOnce(client: IoClient): Promise<void> {
    expect([...new Set(talk.told)]).toEqual(talk.told);
    await until('one client', () => talk.connected.length - talk.disconnected.length === 1);
    expect(talk.connected.at(-1)!.id).toBe(client.socket.id);
    talk.server.to('room').emit('said', 'to all');
    await client.ask('echo', 2);
    expect(client.of('said')).toEqual([['to all']]);
    expect(talk.connected.at(-1)!.conn.transport.name).toBe('websocket');
  }

  it('moves messages of both sides to the WebSocket, once and in order', async () => {
    await start();
    network.delay = 5;
    const client = open();
    const upgraded = new Promise((resolve) => {
      client.socket.io.on('open', () => client.socket.io.engine.once('upgrade', resolve));
    });
    client.socket.connect();
    await client.until('connect', () => client.socket.connected);
    await client.ask('join', 'room');
    let [sent, isUpgraded] = [0, false];
    void upgraded.then(() => (isUpgraded = true));
    // until the upgrade and beyond it
    for (let rest = 20; rest > 0; rest -= isUpgraded ? 1 : 0) {
      client.emit('tell', sent);
      talk.server.to('room').emit('said', sent, Buffer.from([sent % 256]));
      sent++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.ask('echo', 'last');
    await client.ask('echo', 'last');
    const numbers = Array.from({ length: sent }, (_, number) => number);
    expect(talk.told).toEqual(numbers);
    expect(client.of('said')).toEqual(numbers.map((number) => [number, Buffer.from([number % 256])]));
    expect(talk.connected).toHaveLength(1);
  });

  it.each(['up', 'down'] as const)(
    'is repeated after the connection broke during it, %s',
    async (direction) => {
      const whole = await connectTelling();
      const bytes = network.forwarded[direction];
      whole.destroy();
      await until('the disconnect', () => talk.connected.length === talk.disconnected.length);
      for (let place = 1; place <= PLACES; place++) {
        talk.told.length = 0;
        network.cutAfter(Math.floor((bytes * place) / (PLACES + 1)), direction);
        const client = await connectTelling();
        await expectOnce(client);
        client.destroy();
        await until('the disconnect', () => talk.connected.length === talk.disconnected.length);
      }
    },
  );

  it.each([
    ['after the probe', 'upgrading'],
    ['at its end', 'upgrade'],
  ] as const)('is repeated after only the WebSocket broke, %s', async (_when, event) => {
    const client = open();
    let breaks = 0;
    client.socket.io.on('open', () => {
      client.socket.io.engine.on(event, (transport: unknown) => {
        if (breaks++ === 0) (transport as Probe).ws._socket.resetAndDestroy();
      });
    });
    client.socket.on('connect', () => {
      client.emit('tell', `connect ${client.socket.id}`);
      client.emit('join', 'room');
    });
    client.emit('tell', 'first');
    client.socket.connect();
    await until('the second upgrade', () => breaks >= 2 && client.transport === 'websocket');
    await client.until('connect', () => client.socket.connected);
    expect(await client.ask('echo', 1)).toEqual([1]);
    await expectOnce(client);
  });
});
