import { FaultyNetwork } from '../support/faulty-network.js';
import { until } from '../support/wait.js';
import { describeServers, startIoApp, type IoApp, type IoAppOptions } from './fixture.js';
import { TRANSPORTS, type IoClient, type TransportName } from './io-client.js';
import { ChatGateway, TalkGateway } from './network-gateways.js';

/** Milliseconds. A client reconnects soon, and its delay does not grow. */
const RECONNECTING = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 50, timeout: 10_000 };
/**
 * Milliseconds. Both sides notice silence soon. The server needs it also where the network is cut between two polls: there
 * was no connection that could break.
 */
const SHORT_PINGS = { pingInterval: 500, pingTimeout: 2_500 };

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

describeServers('a client of Socket.IO on a bad network, server', (server) => {
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
  const open = (transport: TransportName): IoClient =>
    app.open('/', { port: network.port, transport, ...RECONNECTING });
  const connect = async (transport: TransportName): Promise<IoClient> => {
    const client = open(transport);
    await client.connected();
    return client;
  };
  /** Resolves when the client has another id, and its messages are answered over the final transport. */
  async function reconnected(
    client: IoClient,
    transport: TransportName,
    id: string | undefined,
  ): Promise<void> {
    const final = transport === 'polling' ? 'polling' : 'websocket';
    await client.until('the reconnect', () => client.socket.connected && client.socket.id !== id);
    await until('the final transport', () => client.transport === final && client.socket.connected);
    expect(await client.ask('echo', 'back')).toEqual(['back']);
  }
  const online = (): number => talk.connected.length - talk.disconnected.length;

  describe.each(TRANSPORTS)('over %s', (transport) => {
    it('reconnects when the network is back, and sends each message once, in order', async () => {
      const client = await connect(transport);
      const { id } = client.socket;
      for (const number of range(0, 10)) client.emit('tell', number);
      await client.ask('join', 'room');
      await client.ask('say', 'room', 'before');
      network.isRefusing = true;
      network.cut();
      expect(await client.ended()).toMatch(/^transport (close|error)$/);
      for (const number of range(10, 20)) client.emit('tell', number);
      const answer = client.ask('tell and answer', 20);
      await client.refused();
      // nobody is there to hear it
      await until('the disconnect', () => online() === 0);
      talk.server.to('room').emit('said', 'meanwhile');
      network.isRefusing = false;
      await reconnected(client, transport, id);
      expect(await answer).toEqual(['told']);
      expect(talk.told).toEqual(range(0, 21));
      expect(client.of('said')).toEqual([['before']]);
      expect(talk.connected.map((socket) => socket.id)).toEqual([id, client.socket.id]);
      expect(talk.disconnected).toEqual([id]);
    });

    it('reconnects again and again', async () => {
      const client = await connect(transport);
      for (const round of range(0, 5)) {
        const { id } = client.socket;
        // between two polls there is nothing to cut
        await until('the disconnect', () => (network.cut(), client.socket.id !== id));
        await reconnected(client, transport, id);
        await client.ask('tell and answer', round);
      }
      expect(talk.told).toEqual(range(0, 5));
      await until('all disconnects', () => online() === 1);
    });

    it('notices silence, as the server does, and nothing arrives twice afterwards', async () => {
      const client = await connect(transport);
      const { id } = client.socket;
      await client.ask('tell and answer', 'before');
      network.stall();
      client.emit('tell', 'lost or late');
      expect(await client.ended()).toBe('ping timeout');
      await until('the disconnect', () => online() === 0);
      client.emit('tell', 'kept');
      network.resume();
      await reconnected(client, transport, id);
      const told = talk.told.filter((text) => text !== 'lost or late');
      expect(told).toEqual(['before', 'kept']);
      expect(talk.told.length).toBeLessThanOrEqual(3);
    });

    it('never delivers the half of a message', async () => {
      const client = await connect(transport);
      const { id } = client.socket;
      await client.ask('join', 'room');
      network.cutAfter(5_000, 'up');
      client.emit('tell', 'x'.repeat(10_000));
      await reconnected(client, transport, id);
      network.cutAfter(5_000, 'down');
      const next = client.socket.id;
      talk.connected.at(-1)!.emit('said', 'x'.repeat(10_000));
      await reconnected(client, transport, next);
      await client.ask('tell and answer', Buffer.alloc(10_000, 1));
      expect(talk.told).toEqual([Buffer.alloc(10_000, 1)]);
      expect(client.of('said')).toEqual([]);
    });

    it('keeps the order on a slow network', async () => {
      // a busy machine may take longer than short pings allow
      await start();
      network.delay = 20;
      const client = open(transport);
      for (const number of range(0, 50)) client.emit('tell', number);
      await client.connected();
      for (const number of range(50, 100)) client.emit('tell', number);
      await client.ask('echo', 'last');
      expect(talk.told).toEqual(range(0, 100));
      expect(talk.connected).toHaveLength(1);
    });
  });
});
