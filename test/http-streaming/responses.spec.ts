import { connect } from 'node:net';
import { once } from 'node:events';
import { jest } from '@jest/globals';
import { stopClock } from '../support/clock.js';
import { until } from '../support/wait.js';
import { startStreaming } from './fixture.js';
import { HttpLine, post } from './http-client.js';

const beatsOf = ({ control }: HttpLine): number => control.filter(([name]) => name === 'beat').length;

describe('the responses of a connection over HTTP', () => {
  it('send a beat every pingInterval, also while messages flow (B5)', async () => {
    stopClock();
    const { gateway, port } = await startStreaming({ pingInterval: 1_000, pingTimeout: 5_000 });
    const line = await HttpLine.open(port);
    const client = gateway.last;
    for (let beats = 1; beats <= 3; beats++) {
      client.emit('news');
      jest.advanceTimersByTime(1_000);
      await until('a beat', () => beatsOf(line) >= beats);
      expect(beatsOf(line)).toBe(beats);
    }
    // a client that sends nothing is taken for dead, although its response is open
    jest.advanceTimersByTime(5_000);
    expect(await gateway.endOf(client)).toEqual(['ping timeout', 1006]);
  });

  it('keep a client that answers beats', async () => {
    stopClock();
    const { gateway, port } = await startStreaming({ pingInterval: 1_000, pingTimeout: 5_000 });
    const line = await HttpLine.open(port);
    for (let beats = 1; beats <= 20; beats++) {
      jest.advanceTimersByTime(1_000);
      await until('a beat', () => beatsOf(line) >= beats);
      expect((await line.post(undefined, '')).status).toBe(204);
    }
    expect(gateway.last.connected).toBe(true);
  });

  it('cannot be stored or answered by a cache (B6)', async () => {
    const { port } = await startStreaming();
    const line = await HttpLine.open(port);
    await line.on();
    const answers = [await line.send({ event: 'say' }), await line.post('x', '{}'), await line.close()];
    for (const headers of [...line.headers, ...answers.map((answer) => answer.headers)])
      expect(headers['cache-control']).toContain('no-store');
    expect(line.headers.map((headers) => headers['content-encoding'])).toEqual([undefined, undefined]);
    const wrong = await post(port, '/ws?envelope=open', '{"token":"wrong"}', {
      'Content-Type': 'application/json',
    });
    expect(wrong).toMatchObject({ status: 401, headers: { 'cache-control': 'no-store' } });
    expect(JSON.parse(wrong.text)).toMatchObject({ statusCode: 401, message: 'who are you?' });
  });

  it.each(['text/event-stream', 'application/x-ndjson'])(
    'have one record on each line, as %s (B8)',
    async (accept) => {
      const { gateway, port } = await startStreaming();
      const line = await HttpLine.open(port, { accept });
      const client = gateway.last;
      const text = '\n\ndata: ["close",1000,""]\n\n\r\r\n\u2028\u2029\u0085event: x\nid: 1\nretry: 1\0';
      client.emit('news', text);
      client.send(text);
      client.send('{\n"event": "raw",\r\n"data": "a\\nb"\n}');
      client.send(Buffer.from('bytes'));
      client.close(4000, 'a\n["line","k",0]\r\rb');
      expect(await line.closed()).toEqual(['close', 4000, 'a\n["line","k",0]\r\rb']);
      expect(line.messages.slice(1)).toEqual([
        { event: 'news', data: text },
        { event: 'message', data: text },
        { event: 'raw', data: 'a\nb' },
        { event: 'message', data: Buffer.from('bytes').toString('base64') },
      ]);
      expect(line.control).toHaveLength(2);
      const records = line.raw.trimEnd().split(accept === 'text/event-stream' ? '\n\n' : '\n');
      expect(records).toHaveLength(7);
      for (const record of records) expect(record).not.toMatch(/[\r\n]/);
    },
  );

  it('are one at a time: a new one ends the one before (B9)', async () => {
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port);
    const second = await HttpLine.open(port);
    second.key = line.key;
    const thief = second.on(0);
    await thief;
    await until('the end of the first response', () => line.isEnded);
    gateway.connected[0]!.emit('news', 1);
    await second.next('news');
    expect(line.messages.map(({ event }) => event)).toEqual(['$session']);
    expect(gateway.connected[0]!.connected).toBe(true);
  });

  it('end after a while, and go on in the next one', async () => {
    const { gateway, port } = await startStreaming({}, { rotateAfter: 200 });
    const line = await HttpLine.open(port);
    await until('the end of the response', () => line.isEnded);
    expect(line.control.at(-1)).toEqual(['more', 1]);
    gateway.last.emit('meanwhile');
    await line.on();
    await line.next('meanwhile');
    expect(line.messages.map(({ event }) => event)).toEqual(['$session', 'meanwhile']);
  });

  it('end after some characters, and go on in the next one', async () => {
    const { gateway, port } = await startStreaming({}, { rotateAt: 1_000 });
    const line = await HttpLine.open(port);
    gateway.last.emit('large', 'x'.repeat(1_000));
    await until('the end of the response', () => line.isEnded);
    expect(line.control.at(-1)).toEqual(['more', 2]);
    gateway.last.emit('after');
    await line.on();
    await line.next('after');
    expect(line.messages.map(({ event }) => event)).toEqual(['$session', 'large', 'after']);
  });

  it('go on behind a record that was torn (B12)', async () => {
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port);
    const client = gateway.last;
    for (let n = 1; n <= 3; n++) client.emit('news', n);
    await until('the messages', () => line.have === 4);
    // of three messages, the client has one, and a part of the second
    await line.on(2);
    await until('the messages again', () => line.have === 6);
    expect(line.messages.slice(4).map(({ data }) => data)).toEqual([2, 3]);
    expect(line.control.at(-2)).toEqual(['line', line.key, 2]);
  });

  it('tell a client how its connection was closed while it had none', async () => {
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port);
    const client = gateway.last;
    line.cut();
    await until('the end of the response', () => client._connection.outbox.writable === false);
    client.emit('last', 1);
    client.close(4001, 'enough');
    await line.on();
    expect(await line.closed()).toEqual(['close', 4001, 'enough']);
    expect(line.messages.at(-1)).toEqual({ event: 'last', data: 1 });
    await line.on();
    expect(await line.closed()).toEqual(['close', 4001, 'enough']);
    expect((await line.send({ event: 'say' })).status).toBe(404);
  });

  it('are no reason to wait for a client that has left its response and says goodbye', async () => {
    const { gateway, port } = await startStreaming({ limits: { maxConnectionsPerAddress: 1 } });
    const line = await HttpLine.open(port);
    const client = gateway.last;
    line.cut();
    await until('the end of the response', () => client._connection.outbox.writable === false);
    expect((await line.close({ code: 1000 })).status).toBe(204);
    expect(await gateway.endOf(client)).toEqual(['client namespace disconnect', 1000]);
    await HttpLine.open(port);
  });

  it('drop volatile messages while there is none', async () => {
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port);
    const client = gateway.last;
    line.cut();
    await until('the end of the response', () => client._connection.outbox.writable === false);
    client.volatile.emit('volatile');
    client.emit('kept');
    await line.on();
    await line.next('kept');
    expect(line.messages.map(({ event }) => event)).toEqual(['$session', 'kept']);
  });

  it('end a connection for which too much waits while there is none', async () => {
    const { gateway, port } = await startStreaming({ limits: { maxBufferedBytes: 10_000 } });
    const line = await HttpLine.open(port);
    const client = gateway.last;
    line.cut();
    await until('the end of the response', () => client._connection.outbox.writable === false);
    for (let n = 0; n < 20; n++) {
      client.emit('news', 'x'.repeat(4_000));
      await new Promise(setImmediate);
    }
    expect(await gateway.endOf(client)).toEqual(['server namespace disconnect', 1013]);
  });

  it('come by HTTP/1.0, in which proxies send requests, and end with the connection', async () => {
    const { gateway, port } = await startStreaming();
    const tcp = connect(port, '127.0.0.1').setEncoding('utf8');
    let text = '';
    tcp.on('data', (part: string) => (text += part));
    const head = 'Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 2';
    tcp.write(`POST /ws?envelope=open HTTP/1.0\r\n${head}\r\n\r\n{}`);
    await until('$session', () => text.includes('$session'));
    expect(text).not.toContain('chunked');
    gateway.last.emit('news', 1);
    await until('the message', () => text.endsWith('{"event":"news","data":1}\n'));
    const ended = once(tcp, 'end');
    gateway.last.disconnect();
    await ended;
    expect(text).toMatch(/\["close",\d+,""\]\n$/);
  });

  it('refuse what could be read as two requests (B7)', async () => {
    const { gateway, port } = await startStreaming();
    for (const lines of [
      ['Content-Length: 2', 'Transfer-Encoding: chunked'],
      ['Transfer-Encoding: chunked', 'Content-Length: 2'],
      ['Content-Length: 2', 'Content-Length: 3'],
      ['Transfer-Encoding: identity, chunked', 'Content-Length: 2'],
    ]) {
      const tcp = connect(port, '127.0.0.1').setEncoding('utf8');
      let text = '';
      tcp.on('data', (part: string) => (text += part));
      const head = [
        'POST /ws?envelope=open HTTP/1.1',
        'Host: localhost',
        'Content-Type: application/json',
        ...lines,
      ];
      tcp.write(`${head.join('\r\n')}\r\n\r\n{}\r\nPOST /ws?envelope=open HTTP/1.1\r\n`);
      await once(tcp, 'close');
      expect(text).toMatch(/^HTTP\/1.1 400 /);
      expect(text.match(/HTTP\/1.1/g)).toHaveLength(1);
    }
    expect(gateway.connected).toEqual([]);
  });
});
