import { io } from 'socket.io-client';
import { describeWithNginx, Nginx } from '../support/nginx.js';
import { describeServers, startIoApp, type IoApp } from './fixture.js';
import { IoClient } from './io-client.js';
import { ChatGateway, TalkGateway } from './network-gateways.js';
import { describeWithPython, Python } from './python-client.js';

const BYTES = Buffer.from([0, 1, 254, 255]);

describeWithNginx('behind a proxy that forbids upgrades', () => {
  describeServers('clients of', (server) => {
    let app: IoApp;
    let port: number;
    beforeEach(async () => {
      app = await startIoApp(server, { providers: [TalkGateway, ChatGateway] });
      ({ port } = await Nginx.startWithoutUpgrades(app.port));
    });

    async function expectToWork(client: IoClient): Promise<void> {
      expect(client.transport).toBe('polling');
      expect(await client.ask('join', 'room')).toEqual(['joined']);
      expect(await client.ask('say', 'room', { deep: [BYTES] })).toEqual(['said']);
      expect(await client.next('said')).toEqual([{ deep: [BYTES] }]);
      const long = 'ä'.repeat(300_000);
      expect(await client.ask('echo', long)).toEqual([long]);
      expect(await client.ask('who')).toMatchObject([{ id: client.socket.id, transport: 'polling' }]);
      const other = client.join('/chat');
      await other.connected();
      expect(await other.ask('where')).toEqual([{ name: '/chat', id: other.socket.id }]);
    }

    it('stay on polling when their upgrade fails', async () => {
      const client = app.keep(
        new IoClient(app.url('/', port), { autoConnect: false, transport: 'upgraded' }),
      );
      const failed = new Promise((resolve) => {
        client.socket.io.on('open', () => client.socket.io.engine.once('upgradeError', resolve));
      });
      client.socket.connect();
      expect(await failed).toMatchObject({ message: 'probe error: Error: websocket error' });
      await client.until('connect', () => client.socket.connected);
      await expectToWork(client);
    });

    it('fall back to polling when they try a WebSocket first', async () => {
      const socket = io(app.url('/', port), {
        forceNew: true,
        reconnection: false,
        transports: ['websocket', 'polling'],
        tryAllTransports: true,
      });
      const client = app.keep(new IoClient(socket));
      await client.connected();
      await expectToWork(client);
    });

    it('do not connect with a WebSocket only', async () => {
      const client = app.open('/', { port, transport: 'websocket' });
      expect(await client.refused()).toMatchObject({ message: 'websocket error' });
      expect(app.nest.get(TalkGateway).connected).toEqual([]);
    });

    describeWithPython('written in Python', () => {
      it('stay on polling when their upgrade fails', async () => {
        const python = await Python.start();
        try {
          const client = await python.open(app.url('/', port), ['polling', 'websocket']);
          const id = await client.connected();
          expect(await client.transport()).toBe('polling');
          expect(await client.call('reverse', { bytes: BYTES })).toMatchObject({ isBuffer: true });
          expect(await client.call('who')).toMatchObject({ id, transport: 'polling' });
          await client.disconnect();
        } finally {
          await python.stop();
        }
      }, 60_000);
    });
  });
});
