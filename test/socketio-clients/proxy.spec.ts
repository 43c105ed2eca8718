import { createServer, type AddressInfo, type Server } from 'node:net';
import { io } from 'socket.io-client';
import { WebSocketServer } from 'ws';
import { describeWithNginx, Nginx } from '../support/nginx.js';
import { until } from '../support/wait.js';
import { describeServers, startIoApp, type IoApp } from './fixture.js';
import { IoClient } from './io-client.js';
import { ChatGateway, TalkGateway } from './network-gateways.js';
import { describeWithPython, Python } from './python-client.js';

const BYTES = Buffer.from([0, 1, 254, 255]);

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

describeWithNginx('behind a proxy that forbids upgrades', () => {
  describeServers('clients of', (server) => {
    let app: IoApp;
    let port: number;
    beforeEach(async () => {
      app = await startIoApp(server, { providers: [TalkGateway, ChatGateway] });
      ({ port } = await Nginx.startWithoutUpgrades(app.port));
    });

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
      });
    });
  });
});

/** Where a proxy sends upgrades to, and what becomes of them there. */
const HOLES: [string, () => Server | WebSocketServer][] = [
  ['never answers them', () => createServer().listen(0, '127.0.0.1')],
  ['accepts them and passes nothing on', () => new WebSocketServer({ port: 0, host: '127.0.0.1' })],
];

describeWithNginx.each(HOLES)('behind a proxy of upgrades that %s', (_what, open) => {
  describeServers('clients of', (server) => {
    let hole: Server | WebSocketServer;
    let upgrades = 0;
    const ends = new Set<() => void>();
    beforeEach(async () => {
      hole = open();
      hole.on('connection', (end: { destroy?(): void; terminate?(): void }) => {
        upgrades++;
        ends.add(() => (end.terminate ?? end.destroy)?.call(end));
      });
      await new Promise((resolve) => hole.once('listening', resolve));
    });
    afterEach(() => {
      for (const end of ends) end();
      hole.close();
    });

    it('go on over polling', async () => {
      const app = await startIoApp(server, { providers: [TalkGateway, ChatGateway] });
      const { port } = await Nginx.startWith(
        (listen) => `
  map $http_upgrade $target { default 127.0.0.1:${(hole.address() as AddressInfo).port}; '' 127.0.0.1:${app.port}; }
  server {
    listen 127.0.0.1:${listen};
    location / {
      proxy_pass http://$target;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
    }
  }`,
      );
      upgrades = 0;
      const client = app.keep(new IoClient(app.url('/', port), { transport: 'upgraded' }));
      await client.until('connect', () => client.socket.connected);
      await until('the upgrade', () => upgrades === 1);
      await expectToWork(client);
      expect([upgrades, client.reason]).toEqual([1, undefined]);
    });
  });
});
