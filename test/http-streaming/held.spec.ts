import { connect as connectHttp2 } from 'node:http2';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { httpStreaming } from '../../lib/http-streaming/index.js';
import { EnvelopeAdapter } from '../../lib/index.js';
import { selfSigned } from '../support/certificate.js';
import type { TestApp } from '../support/app.js';
import { BareGateway } from '../support/bare-gateway.js';
import { until } from '../support/wait.js';
import { startStreaming } from './fixture.js';
import { HttpLine } from './http-client.js';

const EMPTY = { 'Content-Type': 'application/json', 'Content-Length': '2' };
/** More than the buffers of the operating system take. */
const MANY = 30;
const LARGE = 'x'.repeat(500_000);
const LIMITS = { limits: { maxBufferedBytes: MANY * LARGE.length } };

const head = (action: string, headers: object): string =>
  [
    `POST /ws?envelope=${action} HTTP/1.1`,
    'Host: localhost',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '\r\n',
  ].join('\r\n');

const dialled: Socket[] = [];

/** Sends a text on a TCP connection that is not read. */
async function dial(port: number, text: string): Promise<Socket> {
  const tcp = connect(port, '127.0.0.1');
  dialled.push(tcp);
  tcp.on('error', () => undefined);
  await once(tcp, 'connect');
  tcp.pause();
  tcp.write(text);
  return tcp;
}

/** Returns the open TCP connections of the server. */
function connectionsOf({ nest }: TestApp): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  nest.getHttpServer().on('connection', (tcp: Socket) => {
    open.add(tcp);
    tcp.on('close', () => open.delete(tcp));
  });
  return open;
}

describe('a client over HTTP holds nothing', () => {
  afterEach(() => {
    for (const tcp of dialled.splice(0)) tcp.destroy();
  });

  it('by a response that it does not read, once its connection has closed', async () => {
    const { app, gateway, port } = await startStreaming(LIMITS);
    const open = connectionsOf(app);
    await dial(port, `${head('open', EMPTY)}{}`);
    await until('the connection', () => gateway.connected.length === 1);
    const client = gateway.last;
    for (let n = 1; n < MANY; n++) client.emit('news', LARGE);
    await new Promise(setImmediate);
    client.disconnect();
    await gateway.endOf(client);
    expect([...open].map(({ writableLength }) => writableLength > LARGE.length)).toEqual([true]);
    await until('the end of the TCP connection', () => open.size === 0);
  });

  it('by responses that it asks for, one after the other, and does not read', async () => {
    const { app, gateway, port } = await startStreaming(LIMITS);
    const open = connectionsOf(app);
    const line = await HttpLine.open(port);
    for (let n = 1; n < MANY; n++) gateway.last.emit('news', LARGE);
    await until('all messages', () => line.messages.length === MANY);
    const headers = { 'Envelope-Line': line.key, 'Envelope-Have': '1', 'Content-Length': '0' };
    const unread = (): (number | undefined)[] =>
      [...open].filter((tcp) => !tcp.destroyed && tcp.writableLength > 0).map((tcp) => tcp.remotePort);
    for (let n = 0; n < 5; n++) {
      const { localPort } = await dial(port, head('on', headers));
      await until('the response', () => unread().includes(localPort));
      expect(unread()).toEqual([localPort]);
    }
    expect(gateway.last.connected).toBe(true);
  });

  it('by asking for one response after the other faster than it may send', async () => {
    const { gateway, port } = await startStreaming({ limits: { messagesPerSecond: 0.01, messageBurst: 3 } });
    const line = await HttpLine.open(port);
    for (let n = 0; n < 3; n++) await line.on();
    await expect(line.on()).rejects.toThrow('429');
    for (let n = 0; n < 200 && gateway.last.connected; n++) await line.on().catch(() => undefined);
    expect(await gateway.endOf(gateway.last)).toEqual(['server namespace disconnect', 1008]);
  });

  it('by requests that wait for a response on the same TCP connection', async () => {
    const { gateway, port } = await startStreaming();
    const tcp = await dial(port, `${head('listen', EMPTY)}{}`.repeat(3));
    await until('the connection', () => gateway.connected.length > 0);
    await HttpLine.open(port);
    expect(gateway.connected).toHaveLength(2);
    tcp.destroy();
    await gateway.endOf(gateway.connected[0]!);
  });

  it('by slow bodies, when the application closes', async () => {
    const { app, port } = await startStreaming({}, { bodyTimeout: 60_000 });
    const line = await HttpLine.open(port);
    for (const action of ['send', 'close'])
      await dial(port, `${head(action, { 'Envelope-Line': line.key, 'Content-Length': '9' })}{`);
    await line.post(undefined, '');
    await app.close();
  });

  it('by HTTP/2, where none of this would be noticed', async () => {
    const module = await Test.createTestingModule({ providers: [BareGateway] }).compile();
    const https = { ...selfSigned(), allowHTTP1: true };
    const nest = module.createNestApplication(new FastifyAdapter({ http2: true, https }), { logger: false });
    nest.useWebSocketAdapter(new EnvelopeAdapter(nest, { transports: [httpStreaming()] }));
    await nest.listen(0, '127.0.0.1');
    const { port } = nest.getHttpServer().address() as AddressInfo;
    const session = connectHttp2(`https://localhost:${port}`, { rejectUnauthorized: false });
    const request = session.request({
      ':method': 'POST',
      ':path': '/ws?envelope=open',
      host: 'localhost',
      'content-type': 'application/json',
    });
    request.end('{}');
    const [headers] = (await once(request, 'response')) as [Record<string, unknown>];
    session.destroy();
    await nest.close();
    expect(headers[':status']).toBe(505);
  });
});
