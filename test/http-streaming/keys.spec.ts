import { ConnectionKeys } from '../../lib/http-streaming/connection-keys.js';
import { startStreaming } from './fixture.js';
import { HttpLine, post } from './http-client.js';

/** Changes one character of a text. */
const altered = (text: string, at: number): string =>
  `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;

describe('the key of a connection (B1)', () => {
  it('is needed, and cannot be guessed from another', async () => {
    const { gateway, port } = await startStreaming({}, { node: 'node-1' });
    const line = await HttpLine.open(port);
    const { key } = line;
    expect(key).toMatch(/^node-1\.[\w-]{22}\.[\w-]{43}$/);
    const statusOf = async (given: string): Promise<number> =>
      (await line.post(1, '{"event":"say"}', { 'Envelope-Line': given })).status;
    const [id, proof] = [key.indexOf('.') + 1, key.lastIndexOf('.') + 1];
    for (const at of [id, id + 10, proof, proof + 20]) expect(await statusOf(altered(key, at))).toBe(404);
    // the last characters of base64url have bits that do not count
    for (const given of [
      '',
      'x',
      key.slice(0, -1),
      `${key}A`,
      `${key}=`,
      `${key}, ${key}`,
      key.replace('.', '..'),
    ])
      expect(await statusOf(given)).toBe(400);
    expect(gateway.heard).toEqual([]);
    expect(await statusOf(key)).toBe(204);
  });

  it('is refused on another node, for every request', async () => {
    const { port } = await startStreaming({}, { node: 'node-1' });
    const other = await startStreaming({}, { node: 'node-2' });
    const line = await HttpLine.open(port);
    for (const action of ['send', 'on', 'close']) {
      const headers = { 'Envelope-Line': line.key };
      const answer = await post(other.port, `/ws?envelope=${action}`, '', headers);
      expect(answer.status).toBe(404);
      expect(answer.text).toContain('another node');
    }
  });

  it('is that of one path and one process', async () => {
    const { port } = await startStreaming({}, { node: 'a' });
    const former = await startStreaming({}, { node: 'a' });
    const line = await HttpLine.open(port);
    const headers = { 'Envelope-Line': line.key };
    expect((await post(former.port, '/ws?envelope=send', '', headers)).status).toBe(404);
  });

  it('is in no URL, cookie, log line or refusal, and no session token', async () => {
    const { app, gateway, port } = await startStreaming({ recovery: true }, { bodyTimeout: 1_000 });
    const line = await HttpLine.open(port, { auth: { token: 'ada' } });
    const secret = line.key.split('.').at(-1)!;
    expect(line.headers[0]).not.toHaveProperty('set-cookie');
    const answers = [
      await line.post('x', '{}'),
      await line.request('nothing', ''),
      await line.post(5, Buffer.from([0xff])),
    ];
    expect(JSON.stringify(answers.map(({ text, headers }) => [text, headers]))).not.toContain(secret);
    expect(JSON.stringify(app.log.lines)).not.toContain(secret);
    expect(JSON.stringify(gateway.last.handshake)).not.toContain(secret);
    expect(JSON.stringify(line.messages)).not.toContain(secret);
  });

  it('is compared in constant time, whatever its proof is', () => {
    const keys = new ConnectionKeys('n');
    const { id, key } = keys.create();
    expect(keys.read(key)).toEqual({ id });
    const proof = Buffer.from(key.split('.').at(-1)!, 'base64url');
    expect(proof).toHaveLength(32);
    // a proof of another length does not reach the comparison, which throws on it
    for (const length of [0, 1, 31, 33, 64])
      expect(keys.read(`n.${id}.${Buffer.alloc(length).toString('base64url')}`)).toBe('malformed');
    for (let at = 0; at < 32; at++) {
      const wrong = Buffer.from(proof);
      wrong[at]! ^= 1;
      expect(keys.read(`n.${id}.${wrong.toString('base64url')}`)).toBe('wrong');
    }
  });

  it('is not enough where the client has shown an Authorization header', async () => {
    const { gateway, port } = await startStreaming();
    const headers = { Authorization: 'Bearer ada' };
    const line = await HttpLine.open(port, { headers });
    expect(gateway.last.user).toEqual({ id: 'ada' });
    const stolen = { 'Envelope-Line': line.key, 'Envelope-Have': '0' };
    for (const action of ['send', 'on', 'close'])
      for (const shown of [{}, { Authorization: 'Bearer eve' }, { Authorization: 'bearer ada' }])
        expect((await post(port, `/ws?envelope=${action}`, '', { ...stolen, ...shown })).status).toBe(403);
    expect((await line.send({ event: 'user', id: 1 })).status).toBe(204);
    expect((await line.next(1)).data).toBe('ada');
    // credentials in the body of `open` leave no trace in later requests
    const other = await HttpLine.open(port, { auth: { token: 'bob' } });
    expect((await other.send({ event: 'user', id: 1 })).status).toBe(204);
  });

  it('is not enough where a cookie names the user', async () => {
    const { gateway, port } = await startStreaming({}, { cookies: ['sid'] });
    const line = await HttpLine.open(port, { headers: { Cookie: 'theme=dark; sid=ada' } });
    expect(gateway.last.user).toEqual({ id: 'ada' });
    const { key } = line;
    const send = async (cookie: object): Promise<number> =>
      (await post(port, '/ws?envelope=send', '', { 'Envelope-Line': key, ...cookie })).status;
    expect(await send({})).toBe(403);
    expect(await send({ Cookie: 'theme=dark; sid=eve' })).toBe(403);
    expect(await send({ Cookie: 'sid=ada; theme=light' })).toBe(204);
  });
});
