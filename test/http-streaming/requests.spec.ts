import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { jest } from '@jest/globals';
import { passUntil, stopClock } from '../support/clock.js';
import { until } from '../support/wait.js';
import { startStreaming } from './fixture.js';
import { HttpLine, type Answer } from './http-client.js';

const say = (...values: unknown[]): string =>
  values.map((data) => `${JSON.stringify({ event: 'say', data })}\n`).join('');

describe('the numbers of requests (B3)', () => {
  it('takes a repeated request once', async () => {
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port);
    const answers = await Promise.all([line.post(1, say('a')), line.post(1, say('a'))]);
    // the second may have come while the first was read
    expect(answers.map(({ status }) => status)).toEqual([204, 204]);
    expect((await line.post(1, say('other'))).status).toBe(204);
    expect((await line.post(2, say('b'))).status).toBe(204);
    expect(gateway.heard).toEqual(['a', 'b']);
  });

  it('takes requests in the order of their numbers', async () => {
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port);
    const third = line.post(3, say('c'));
    const second = line.post(2, say('b', 'b2'));
    await line.post(undefined, '');
    expect(gateway.heard).toEqual([]);
    expect((await line.post(1, say('a'))).status).toBe(204);
    expect([(await second).status, (await third).status]).toEqual([204, 204]);
    expect(gateway.heard).toEqual(['a', 'b', 'b2', 'c']);
    // an empty request with a number takes it
    expect((await line.post(4, '')).status).toBe(204);
    expect((await line.post(5, say('d'))).status).toBe(204);
    expect(gateway.heard.at(-1)).toBe('d');
  });

  it('closes with 1002 if a request is missing, after a while or at once', async () => {
    stopClock();
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port);
    expect((await answered(line.post(2, say('b')))).status).toBe(409);
    expect(await line.closed()).toEqual(['close', 1002, 'a request with messages is missing']);
    expect(await gateway.endOf(gateway.last)).toEqual(['parse error', 1002]);
    const far = await HttpLine.open(port);
    expect((await far.post(10, say('x'))).status).toBe(409);
    expect((await far.closed())[1]).toBe(1002);
    expect(gateway.heard).toEqual([]);
  });

  it.each(['0', '-1', '1.5', '1e3', '0x1', '', '9007199254740992', '99999999999999999999', '1, 1', 'one'])(
    'refuses the number %j',
    async (number) => {
      const { gateway, port } = await startStreaming();
      const line = await HttpLine.open(port);
      expect((await line.post(number, say('a'))).status).toBe(400);
      expect((await line.post(1, say('b'))).status).toBe(204);
      expect(gateway.heard).toEqual(['b']);
    },
  );

  it('counts 9007199254740991 as a gap', async () => {
    const { port } = await startStreaming();
    const line = await HttpLine.open(port);
    expect((await line.post('9007199254740991', say('a'))).status).toBe(409);
  });

  it('does not take a request whose body is torn', async () => {
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port);
    const tcp = await sendPart(port, line.key, `${say('a')}${say('b')}`, 10);
    tcp.destroy();
    expect((await line.post(1, say('c'))).status).toBe(204);
    expect(gateway.heard).toEqual(['c']);
  });

  it('refuses a ninth request at once', async () => {
    const { port } = await startStreaming();
    const line = await HttpLine.open(port);
    const parts = await Promise.all(Array.from({ length: 8 }, () => sendPart(port, line.key, say('a'), 5)));
    const ninth = await line.post(undefined, '');
    expect(ninth).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    for (const tcp of parts) tcp.destroy();
    await until('the end of the requests', async () => (await line.post(undefined, '')).status === 204);
  });

  it('counts a body that is no ndjson as one malformed message, and takes its number', async () => {
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port);
    expect((await line.post(1, Buffer.from([0x7b, 0xff, 0x7d]))).status).toBe(400);
    expect((await line.post(2, `${say('a')}\n${say('b')}`)).status).toBe(400);
    expect((await line.next('exception')).data).toMatchObject({ code: 'bad_frame' });
    expect((await line.post(3, `\r${say('c')}`)).status).toBe(204);
    expect(gateway.heard).toEqual(['c']);
    for (let n = 4; n <= 13; n++) await line.post(n, '\n\n');
    expect((await line.closed())[1]).toBe(1008);
  });

  it('has a paused connection wait, refuses then, and takes the same request later', async () => {
    stopClock();
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port);
    gateway.last.pause();
    const refused = await answered(line.post(1, say('a')));
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    const again = line.post(1, say('a'));
    await until('the request', async () => (await line.post(undefined, '')).status === 204);
    gateway.last.resume();
    expect((await again).status).toBe(204);
    expect(gateway.heard).toEqual(['a']);
  });

  it('refuses what waits behind a request that a paused connection refuses', async () => {
    stopClock();
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port);
    gateway.last.pause();
    const first = line.post(1, say('a'));
    await line.post(undefined, '');
    // it may wait for longer than the first
    jest.advanceTimersByTime(1_000);
    const second = line.post(2, say('b'));
    await line.post(undefined, '');
    expect((await answered(first)).status).toBe(429);
    gateway.last.resume();
    expect((await answered(second)).status).toBe(429);
    expect((await line.post(1, say('a'))).status).toBe(204);
    expect((await line.post(2, say('b'))).status).toBe(204);
    expect(gateway.heard).toEqual(['a', 'b']);
  });

  it('holds the rest of a request when a message in it pauses the connection', async () => {
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port);
    const client = gateway.last;
    client.onAny(() => {
      if (gateway.heard.length === 0) client.pause();
    });
    expect((await line.post(1, say(1, 2, 3))).status).toBe(204);
    expect(gateway.heard).toEqual([1]);
    const next = line.post(2, say(4));
    await line.post(undefined, '');
    expect(gateway.heard).toEqual([1]);
    client.resume();
    await next;
    expect(gateway.heard).toEqual([1, 2, 3, 4]);
  });

  it('forgets what the client has, and refuses positions that were not sent', async () => {
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port);
    gateway.last.emit('a');
    await line.next('a');
    expect((await line.post(undefined, '', { 'Envelope-Have': '2' })).status).toBe(204);
    for (const have of ['3', '-1', 'x', '1, 1'])
      expect((await line.post(undefined, '', { 'Envelope-Have': have })).status).toBe(400);
    await expect(line.on(7)).rejects.toThrow('400');
    await line.on(1);
    expect(await line.closed()).toEqual(['close', 1013, 'the client reads too slowly']);
  });
});

/** Resolves with an answer for which the server waits. The clock is stopped, and goes on until then. */
async function answered(answer: Promise<Answer>): Promise<Answer> {
  let hasCome = false;
  const come = (): void => void (hasCome = true);
  answer.then(come, come);
  await passUntil('the answer', () => hasCome);
  return answer;
}

/** Sends a request with less of its body than it announces. */
async function sendPart(port: number, key: string, body: string, bytes: number): Promise<Socket> {
  const tcp = connect(port, '127.0.0.1');
  await once(tcp, 'connect');
  const lines = [
    'POST /ws?envelope=send HTTP/1.1',
    'Host: localhost',
    `Envelope-Line: ${key}`,
    'Envelope-Seq: 1',
    'Content-Type: application/x-ndjson',
    `Content-Length: ${body.length}`,
    'Expect: 100-continue',
  ];
  tcp.write(`${lines.join('\r\n')}\r\n\r\n`);
  // the server has read the head
  await once(tcp, 'data');
  tcp.write(body.slice(0, bytes));
  return tcp;
}
