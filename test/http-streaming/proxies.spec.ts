import { createServer, type AddressInfo, type Socket } from 'node:net';
import { http } from '../../lib/client/http.js';
import type { ClientOptions } from '../../lib/client/index.js';
import { httpStreaming } from '../../lib/http-streaming/index.js';
import { behindFaultyNetwork, client, connected, next, startServer } from '../client/fixture.js';
import type { TestGateway } from '../client/fixture-gateway.js';
import { describeWithHaproxy, Haproxy } from '../support/haproxy.js';
import { HttpProxy } from '../support/http-proxy.js';
import { describeWithNginx, Nginx } from '../support/nginx.js';
import { until } from '../support/wait.js';
import { post } from './http-client.js';

const BOTH: ClientOptions = { transports: ['websocket', http()] };
const start = (adapter: object = {}): ReturnType<typeof startServer> =>
  startServer({ adapter: { transports: [httpStreaming()], ...adapter } });

/** Connects through a proxy, and uses what a connection has. */
async function expectToWork(
  { app, gateway }: Awaited<ReturnType<typeof start>>,
  port: number,
  options: ClientOptions = BOTH,
): Promise<void> {
  const socket = await connected(app.url('/talk', port), options);
  const errors: unknown[] = [];
  socket.on('disconnect', (...args) => errors.push(args));
  expect(socket.transport).toBe('http');
  expect(await socket.emitWithAck('sum', [1, 2])).toBe(3);
  const ticks: number[] = [];
  for await (const tick of socket.stream('ticks', 3)) ticks.push(tick);
  expect(ticks).toEqual([0, 1, 2]);
  socket.on('question', (text) => text);
  const large = 'ä'.repeat(200_000);
  expect(await socket.emitWithAck('ask', large)).toBe(large);
  await expectNumbers(gateway, socket, port, 50);
  socket.disconnect();
  await until('the end', () => gateway.server.clients.size === 0);
  expect(errors).toEqual([['io client disconnect', expect.anything()]]);
}

/** Broadcasts numbers, each after the one before has arrived: nothing may hold them back. */
async function expectNumbers(
  gateway: TestGateway,
  socket: Awaited<ReturnType<typeof connected>>,
  port: number,
  count: number,
): Promise<void> {
  const got: string[] = [];
  socket.on('said', (text) => got.push(text));
  const messages: number[] = [];
  const whole: number[] = [];
  for (let i = 1; i <= count; i++) {
    gateway.server.to('room').emit('said', String(i));
    messages.push(await duration(until(`number ${i}`, () => got.length >= i)));
    whole.push(await duration(post(port, '/nowhere')));
  }
  expect(got).toEqual(Array.from({ length: count }, (_, i) => String(i + 1)));
  // HAProxy holds chunks of a chunked response back for 200 ms, and no whole response. A lost response delays a few messages,
  // not most; a busy machine delays both kinds.
  expect(median(messages)).toBeLessThan(100 + median(whole));
}

async function duration(work: Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work;
  return performance.now() - began;
}

const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[times.length / 2]!;

describe('the client behind a proxy', () => {
  it('that removes Upgrade uses HTTP', async () => {
    const server = await start();
    const proxy = await HttpProxy.start(server.app.port);
    await expectToWork(server, proxy.port);
    expect(proxy.requests.slice(0, 2)).toEqual(['/talk', '/talk?envelope=open']);
  });

  it.each([
    ['bytes', { maxBytes: 2_000 }],
    ['milliseconds', { maxTime: 40 }],
  ])('that cuts responses after some %s gets each message once, in order', async (_what, limits) => {
    const { app, gateway } = await start();
    const proxy = await HttpProxy.start(app.port, limits);
    const socket = await connected(app.url('/talk', proxy.port), BOTH);
    const lost: unknown[] = [];
    socket.on('disconnect', (...args) => lost.push(args));
    const got: string[] = [];
    socket.on('said', (text) => got.push(text));
    let sent = 0;
    await until('four cuts', async () => {
      if (sent - got.length < 10)
        gateway.server.to('room').emit('said', `number ${++sent} ${'x'.repeat(100)}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
      return proxy.cuts > 4;
    });
    await until('all numbers', () => got.length === sent);
    expect(got.map((text) => Number(text.split(' ')[1]))).toEqual(
      Array.from({ length: sent }, (_, i) => i + 1),
    );
    expect(await socket.emitWithAck('sum', [1, 2])).toBe(3);
    expect([lost, gateway.clients.length]).toEqual([[], 1]);
  });

  it('that cuts each response before a message fits gives up, and pauses', async () => {
    const { app, gateway } = await start({ pingTimeout: 500 });
    const proxy = await HttpProxy.start(app.port, { maxBytes: 2_000 });
    const socket = await connected(app.url('/talk', proxy.port), BOTH);
    const disconnected = next(socket, 'disconnect');
    gateway.server.to('room').emit('said', 'x'.repeat(10_000));
    expect(await disconnected).toMatchObject(['transport close', { code: 1006, willReconnect: true }]);
    expect(proxy.requests.filter((target) => target.endsWith('=on')).length).toBeLessThan(6);
  });

  it('that buffers responses does not connect, and does not try without pauses', async () => {
    const { app, gateway } = await start({ pingInterval: 200, pingTimeout: 200 });
    const proxy = await HttpProxy.start(app.port, { buffers: true });
    const socket = client(app.url('/talk', proxy.port), { ...BOTH, connectTimeout: 150 });
    const errors: string[] = [];
    socket.on('connect_error', ({ message }) => errors.push(message));
    await until('three attempts', () => errors.length >= 3);
    expect(errors[0]).toBe('could not connect: no connection within 150 ms');
    expect(proxy.requests.filter((target) => target.endsWith('=open')).length).toBeLessThan(5);
    socket.disconnect();
    await until('the server to know', () => gateway.server.clients.size === 0);
  });

  it('that stops to pass anything on gives up after the time of two beats', async () => {
    const { gateway, network, url } = await behindFaultyNetwork(
      await start({ pingInterval: 1_000, pingTimeout: 4_000 }),
    );
    const socket = await connected(url, { transports: [http()] });
    network.stall();
    expect(await next(socket, 'disconnect')).toMatchObject(['transport close', { code: 1006 }]);
    network.resume();
    await next(socket, 'connect');
    await until('the end of the first', () => gateway.server.clients.size === 1);
  });
});

describeWithNginx('the client behind nginx', () => {
  it('as it is after its installation, uses HTTP', async () => {
    const server = await start();
    const { port } = await Nginx.startWithoutUpgrades(server.app.port);
    await expectToWork(server, port);
  });

  it('with the usual lines for upgrades, works over HTTP, too', async () => {
    const server = await start();
    const { port } = await Nginx.start(server.app.port);
    expect((await connected(server.app.url('/talk', port), BOTH)).transport).toBe('websocket');
    server.gateway.server.disconnectSockets();
    await until('the end', () => server.gateway.server.clients.size === 0);
    await expectToWork(server, port, { transports: [http()] });
  });

  it('that compresses everything, works over HTTP', async () => {
    const server = await start();
    const { port } = await Nginx.start(server.app.port, [
      'gzip on',
      'gzip_types *',
      'gzip_min_length 1',
      'gzip_proxied any',
    ]);
    await expectToWork(server, port, { transports: [http()] });
  });

  it('that cuts a response without a word for a while, stays connected', async () => {
    const { app, gateway } = await start();
    const counter = await HttpProxy.start(app.port);
    const { port } = await Nginx.start(counter.port, ['proxy_read_timeout 800ms']);
    const socket = await connected(app.url('/talk', port), { transports: [http()] });
    const opened = gateway.clients.length;
    const lost: unknown[] = [];
    socket.on('disconnect', (...args) => lost.push(args));
    await until('two cuts', () => counter.requests.filter((target) => target.endsWith('=on')).length >= 2);
    await expectNumbers(gateway, socket, port, 20);
    expect([lost, gateway.clients.length]).toEqual([[], opened]);
  });

  it('that passes upgrades on to a server that never answers, uses HTTP', async () => {
    const server = await start();
    const held = new Set<Socket>();
    const hole = createServer((tcp) => held.add(tcp)).listen(0, '127.0.0.1');
    await new Promise((resolve) => hole.once('listening', resolve));
    const { port } = await Nginx.startWith(
      (listen) => `
  map $http_upgrade $target { default 127.0.0.1:${(hole.address() as AddressInfo).port}; '' 127.0.0.1:${server.app.port}; }
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
    await expectToWork(server, port, { ...BOTH, connectTimeout: 2_000 });
    for (const tcp of held) tcp.destroy();
    hole.close();
  });
});

describeWithHaproxy('the client behind HAProxy', () => {
  const haproxy = (target: number, lines: readonly string[] = []): Promise<Haproxy> =>
    Haproxy.startWith(
      (port) => `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend all
  bind 127.0.0.1:${port}
  ${lines.join('\n  ')}
  default_backend nodes
backend nodes
  server one 127.0.0.1:${target}
`,
    );

  it('that removes Upgrade, uses HTTP', async () => {
    const server = await start();
    const { port } = await haproxy(server.app.port, ['http-request del-header Upgrade']);
    await expectToWork(server, port);
  });

  it('that waits for whole requests, works over HTTP', async () => {
    const server = await start();
    const { port } = await haproxy(server.app.port, ['option http-buffer-request']);
    await expectToWork(server, port, { transports: [http()] });
  });
});
