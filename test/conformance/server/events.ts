import type { Socket } from 'node:net';
import { closeBody, OP, RawClient } from '../../support/raw-client.js';
import { until } from '../../support/wait.js';
import { authOf, unsolicited, type Server } from './server.js';

/** Declares the checks of PROTOCOL.md, sections 12 and 18. */
export function declareEventChecks(server: Server): void {
  it('$ping is answered if it has an id', async () => {
    const client = await server.open();
    client.send({ event: '$ping' });
    const { ack, event } = await client.ask('$ping', undefined, 5);
    expect(ack).toBe(5);
    expect(event).not.toBe('exception');
    await client.settled();
    expect(client.frames.filter((frame) => frame.ack === undefined)).toEqual([]);
  });

  it('$ping and $cancel with an unknown id keep the connection open', async () => {
    const client = await server.open();
    for (const data of [undefined, null, 7, 'x', {}, []])
      for (let times = 0; times < 5; times++) client.send({ event: '$cancel', data });
    await client.settled();
    expect(unsolicited(client)).toEqual([]);
  });

  it('$auth authenticates again, where features include it', async () => {
    const { client, session } = await server.openV1({ token: 'good' }, '/guarded');
    expect(session.features).toContain('auth');
    const { event, data } = await client.ask('$auth', { token: 'good2' });
    expect(event).not.toBe('exception');
    expect(data === undefined || typeof data.expiresAt === 'number').toBe(true);
    expect((await client.ask('token')).data).toBe('good2');
    client.send({ event: '$auth', meta: { token: 'good3' }, id: 'a' });
    expect((await client.answer('a')).event).not.toBe('exception');
    expect((await client.ask('token')).data).toBe('good3');
  });

  it('$auth that is refused changes nothing', async () => {
    const client = await server.open('/guarded?token=good');
    expect((await client.ask('$auth', { token: 'bad' })).event).toBe('exception');
    expect((await client.ask('token')).data).toBe('good');
  });

  it('$session tells the expiry, if there is one', async () => {
    const earliest = Date.now() + 60_000;
    const { session } = await server.openV1({ token: 'good for 60000' }, '/guarded');
    expect(session.expiresAt).toBeGreaterThanOrEqual(earliest);
    expect(session.expiresAt).toBeLessThanOrEqual(Date.now() + 60_000);
    expect(session.expiresIn).toBeGreaterThan(30_000);
    expect(session.expiresIn).toBeLessThanOrEqual(60_000);
    const { session: endless } = await server.openV1({ token: 'good' }, '/guarded');
    expect(Object.keys(endless)).not.toContain('expiresAt');
    expect(Object.keys(endless)).not.toContain('expiresIn');
  });

  it('$auth returns the expiry, and the connection closes then with 4401', async () => {
    const client = await server.open(`/guarded?token=${encodeURIComponent('good for 60000')}`);
    const { expiresAt, expiresIn } = (await client.ask('$auth', { token: 'good for 1000' })).data;
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 1_000);
    expect(expiresIn).toBeGreaterThan(0);
    expect(expiresIn).toBeLessThanOrEqual(1_000);
    expect((await client.ended()).code).toBe(4401);
  });

  it('$auth is an unknown event, where features do not include it', async () => {
    const { client, session } = await server.openV1();
    expect(session.features).not.toContain('auth');
    for (let times = 0; times < 12; times++) {
      const { event, data } = await client.ask('$auth', { token: 'good' });
      expect([event, data.code]).toEqual(['exception', 'unknown_event']);
    }
  });

  it('pings of RFC 6455 are answered', async () => {
    const client = await server.open();
    const pong = new Promise((resolve) => client.ws.on('pong', (data: Buffer) => resolve(data.toString())));
    client.ws.ping('ping');
    expect(await pong).toBe('ping');
  });

  describe('pings', () => {
    it('arrive at the interval of $session, and a client that answers stays connected', async () => {
      const { client, session } = await server.openV1(undefined, '/pinging');
      expect(session.pingInterval).toBeGreaterThan(0);
      let pings = 0;
      client.ws.on('ping', () => pings++);
      await until('four pings', () => pings === 4);
      await client.settled();
    });

    it('without an answer close the connection', async () => {
      const client = await server.open('/pinging', { autoPong: false });
      expect((await client.ended()).code).toBe(1006);
    });
  });

  describe('the server closes a connection', () => {
    it('with 1000 when the application disconnects the client, and answers nothing after it', async () => {
      const client = await server.open();
      client.send({ event: 'goodbye' });
      client.send({ event: 'echo', data: 1, id: 1 });
      expect((await client.ended()).code).toBe(1000);
      expect(client.frames.filter(({ event }) => event === 'echo')).toEqual([]);
    });

    it('with the code that the client closes with', async () => {
      for (const code of [1000, 3000, 4999]) {
        const client = await server.open();
        client.close(code);
        expect((await client.ended()).code).toBe(code);
      }
    });

    const itIfLimited = server.capabilities.maxPayload === 0 ? it.skip : it;

    itIfLimited('with 1009 after a message that is too large', async () => {
      const { client, session } = await server.openV1();
      client.send(JSON.stringify({ event: 'echo', data: 'x'.repeat(session.maxPayload) }));
      expect((await client.ended()).code).toBe(1009);
    });

    itIfLimited('not after a message of exactly the maximum size', async () => {
      const { client, session } = await server.openV1();
      const frame = { event: 'nothing', id: 1, data: '' };
      client.send({ ...frame, data: 'x'.repeat(session.maxPayload - JSON.stringify(frame).length) });
      expect(await client.answer(1)).toEqual({ event: 'nothing', ack: 1 });
    });

    it('and sends no message after the close frame', async () => {
      const { port, pathname } = new URL(server.urlOf());
      const raw = await RawClient.connect(Number(port), pathname);
      raw.text({ event: 'hold', id: 1 });
      raw.text({ event: 'goodbye' });
      expect((await raw.close()).code).toBe(1000);
      const other = await server.open();
      await other.ask('release', 'late');
      await other.ask('tell', 'late');
      raw.send({ opcode: OP.close, payload: closeBody(1000) });
      expect(String(await raw.ended())).toBe('');
    });

    const raw: [string, number, number[]][] = [
      ['1002 after a frame with the first reserved bit', 1002, [0xc1, 0x82, 0, 0, 0, 0, 0x7b, 0x7d]],
      ['1002 after a frame with the second reserved bit', 1002, [0xa1, 0x82, 0, 0, 0, 0, 0x7b, 0x7d]],
      ['1002 after a frame with the third reserved bit', 1002, [0x91, 0x82, 0, 0, 0, 0, 0x7b, 0x7d]],
      ['1002 after a frame that is not masked', 1002, [0x81, 0x02, 0x7b, 0x7d]],
      ['1002 after an unknown opcode', 1002, [0x83, 0x80, 0, 0, 0, 0]],
      ['1007 after a text that is not UTF-8', 1007, [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]],
    ];
    const itSendsFrames = server.isWebSocket ? it : it.skip;
    itSendsFrames.each(raw)('with %s', async (_, code, bytes) => {
      // without permessage-deflate, its bit is reserved as well
      const client = await server.open('', { perMessageDeflate: false });
      // bytes that `ws` itself never sends
      (client.ws as unknown as { _socket: Socket })._socket.write(Buffer.from(bytes));
      expect((await client.ended()).code).toBe(code);
    });
  });

  it('a client that did not offer envelope.v1 receives no $ events and no offsets', async () => {
    const bare = await server.open('', { protocols: [authOf({ a: 1 }), 'bearer', 'good'] });
    const other = await server.open();
    await bare.settled();
    await other.ask('tell', 1);
    expect(await bare.next('told')).toEqual({ event: 'told', data: 1 });
    expect(unsolicited(bare)).toEqual([{ event: 'told', data: 1 }]);
  });
}
