import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { growth } from '../support/growth.js';
import { until } from '../support/wait.js';
import { startStreaming } from './fixture.js';
import { HttpLine, post } from './http-client.js';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const say = (data: unknown): string => `${JSON.stringify({ event: 'say', data })}\n`;

/** Sends the head of a request, and returns its connection. */
async function begin(port: number, action: string, headers: object): Promise<Socket> {
  const tcp = connect(port, '127.0.0.1');
  await once(tcp, 'connect');
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}`);
  tcp.write(`POST /ws?envelope=${action} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  return tcp;
}

async function readAll(tcp: Socket): Promise<string> {
  let text = '';
  for await (const chunk of tcp.setEncoding('utf8')) text += chunk;
  return text;
}

describe('the limits of a connection over HTTP', () => {
  it('end slow bodies (B2)', async () => {
    const { port } = await startStreaming({}, { bodyTimeout: 500 });
    const line = await HttpLine.open(port);
    const open = await begin(port, 'open', { ...JSON_TYPE, 'Content-Length': '2' });
    open.write('{');
    const send = await begin(port, 'send', { 'Envelope-Line': line.key, 'Content-Length': '9' });
    const close = await begin(port, 'close', { 'Envelope-Line': line.key, 'Content-Length': '9' });
    for (const tcp of [open, send]) expect(await readAll(tcp)).toMatch(/^HTTP\/1.1 408 .*Connection: close/s);
    expect(await readAll(close)).toMatch(/^HTTP\/1.1 400 /);
  });

  it('end a slow `open` with the time for checks, which counts as a pending one (B2)', async () => {
    const beginSlow = async (port: number): Promise<Socket> => {
      const slow = await begin(port, 'open', { ...JSON_TYPE, 'Content-Length': '2', Expect: '100-continue' });
      await once(slow, 'data');
      return slow;
    };
    const counting = await startStreaming({ limits: { upgradeTimeout: 60_000, maxPendingUpgrades: 1 } });
    const pending = await beginSlow(counting.port);
    expect((await post(counting.port, '/ws?envelope=open', '{}', JSON_TYPE)).status).toBe(503);
    pending.destroy();
    const { port } = await startStreaming({ limits: { upgradeTimeout: 200, maxPendingUpgrades: 1 } });
    expect(await readAll(await beginSlow(port))).toContain('HTTP/1.1 503');
  });

  it('end a client that opens and never reads (B2)', async () => {
    const { gateway, port } = await startStreaming({ limits: { maxBufferedBytes: 100_000 } });
    const tcp = await begin(port, 'open', { ...JSON_TYPE, 'Content-Length': '2' });
    tcp.pause();
    tcp.write('{}');
    await until('the connection', () => gateway.connected.length === 1);
    const client = gateway.last;
    const text = 'x'.repeat(50_000);
    // the operating system takes some megabytes
    for (let sent = 0; sent < 1_000 && client.connected; sent++) {
      client.emit('news', text);
      await new Promise(setImmediate);
    }
    expect(await gateway.endOf(client)).toEqual(['server namespace disconnect', 1013]);
    tcp.destroy();
  });

  it('count connections of an address, lost ones too, until the time of a ping is over (B11)', async () => {
    const limits = { maxConnectionsPerAddress: 2 };
    const waiting = await startStreaming({ pingTimeout: 60_000, limits });
    const lines = [await HttpLine.open(waiting.port), await HttpLine.open(waiting.port)];
    for (const line of lines) line.cut();
    await until('the end of the responses', () =>
      waiting.gateway.connected.every((client) => !client._connection.outbox.writable),
    );
    const refused = await post(waiting.port, '/ws?envelope=open', '{}', JSON_TYPE);
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '5' } });

    const { gateway, port } = await startStreaming({ pingTimeout: 100, limits });
    for (const line of [await HttpLine.open(port), await HttpLine.open(port)]) line.cut();
    expect(await gateway.endOf(gateway.connected[0]!)).toEqual(['transport close', 1006]);
    await until('room', () => gateway.disconnected.length === 2);
    await HttpLine.open(port);
  });

  it('count a torn `open` no longer than it lasts', async () => {
    const { port } = await startStreaming({ limits: { maxConnectionsPerAddress: 1 } });
    const torn = await begin(port, 'open', { ...JSON_TYPE, 'Content-Length': '2', Expect: '100-continue' });
    await once(torn, 'data');
    await expect(HttpLine.open(port)).rejects.toThrow('429');
    torn.destroy();
    await until('room', async () => {
      const { status } = await post(port, '/ws?envelope=open', '[]', JSON_TYPE);
      return status === 400;
    });
  });

  it('close with 1009 after a body over maxPayload', async () => {
    const { gateway, port } = await startStreaming({ limits: { maxPayload: 1_000 } });
    const exact = say('x'.repeat(1_000 - say('').length + 1));
    expect(exact).toHaveLength(1_001);
    const line = await HttpLine.open(port);
    expect((await line.post(1, exact)).status).toBe(204);
    expect((await line.post(2, `${exact.slice(0, -2)}x"}\n`)).status).toBe(413);
    expect(await line.closed()).toEqual(['close', 1009, 'the request is too large']);
    expect(await gateway.endOf(gateway.last)).toEqual(['parse error', 1009]);
    const feeds = await HttpLine.open(port);
    expect((await feeds.post(1, '\n'.repeat(10_000))).status).toBe(413);
    expect(gateway.heard).toHaveLength(1);
  });

  it('refuse credentials over 8 KB, and bodies that are no JSON object', async () => {
    const { port } = await startStreaming();
    const open = async (body: string | Buffer): Promise<number> =>
      (await post(port, '/ws?envelope=open', body, JSON_TYPE)).status;
    expect(await open(JSON.stringify({ token: 'x'.repeat(8_192) }))).toBe(413);
    for (const body of ['[]', '1', 'null', '{', '"x"', Buffer.from([0x22, 0xff, 0x22])])
      expect(await open(body)).toBe(400);
    const line = await HttpLine.open(port, { auth: { token: 'x'.repeat(8_000) } });
    expect(line.messages).toHaveLength(1);
  });

  it('count each request beside its messages, and end a client that goes on', async () => {
    const { gateway, port } = await startStreaming({ limits: { messagesPerSecond: 0.01, messageBurst: 3 } });
    const line = await HttpLine.open(port);
    expect((await line.post(1, say(1) + say(2) + say(3))).status).toBe(204);
    // the request and two messages took the three tokens
    expect((await line.next('exception')).data).toMatchObject({ code: 'rate_limited' });
    const refused = await line.post(2, say(4));
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    expect(gateway.heard).toEqual([1, 2]);
    for (let i = 0; i < 200 && gateway.last.connected; i++) await line.post(2, say(4));
    expect((await line.closed())[1]).toBe(1008);
  });

  it('count the messages of one request, not the requests (B10)', async () => {
    const { gateway, port } = await startStreaming({ limits: { messagesPerSecond: 100, messageBurst: 100 } });
    const post = async (count: number): Promise<void> => {
      const line = await HttpLine.open(port);
      const before = gateway.heard.length;
      await line.post(1, '{"event":"say"}\n'.repeat(count));
      expect((await line.closed())[1]).toBe(1008);
      expect(gateway.heard.length - before).toBeLessThan(200);
    };
    expect(await growth(post, 15_000)).toBeLessThan(8);
  });

  it('take a body of a million pieces without a million buffers (B2)', async () => {
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port);
    const text = say('y'.repeat(100_000));
    const tcp = await begin(port, 'send', {
      'Envelope-Line': line.key,
      'Envelope-Seq': '1',
      'Content-Type': 'application/x-ndjson',
      'Transfer-Encoding': 'chunked',
    });
    tcp.write(`${text.replaceAll(/[^]/g, '1\r\n$&\r\n')}0\r\n\r\n`);
    await until('the message', () => gateway.heard.length === 1);
    expect(gateway.heard[0]).toHaveLength(100_000);
    tcp.destroy();
  });
});
