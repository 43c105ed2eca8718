import type { Socket } from 'node:net';
import { atLeast, atMost, differs, equal } from '../compare.js';
import { closeBody, OP, RawClient } from '../raw-client.js';
import type { Suite } from '../suite.js';
import { until } from '../until.js';
import { authOf, unsolicited, type Server } from './server.js';

/** Declares the checks of PROTOCOL.md, sections 12 and 18. */
export function declareEventChecks({ describe, it, itUnless }: Suite, server: Server): void {
  it('$ping is answered if it has an id (12.4)', async () => {
    const client = await server.open();
    client.send({ event: '$ping' });
    const { ack, event } = await client.ask('$ping', undefined, 5);
    equal(ack, 5);
    differs(event, 'exception');
    await client.settled();
    equal(
      client.frames.filter((frame) => frame.ack === undefined),
      [],
    );
  });

  it('$ping and $cancel with an unknown id keep the connection open (9.6)', async () => {
    const client = await server.open();
    for (const data of [undefined, null, 7, 'x', {}, []])
      for (let times = 0; times < 5; times++) client.send({ event: '$cancel', data });
    await client.settled();
    equal(unsolicited(client), []);
  });

  it('$auth authenticates again, where features include it (12.3, 12.2)', async () => {
    const { client, session } = await server.openV1({ token: 'good' }, '/guarded');
    equal(session.features.includes('auth'), true);
    const { event, data } = await client.ask('$auth', { token: 'good2' });
    differs(event, 'exception');
    equal(data === undefined || typeof data.expiresAt === 'number', true);
    equal((await client.ask('token')).data, 'good2');
    client.send({ event: '$auth', meta: { token: 'good3' }, id: 'a' });
    differs((await client.answer('a')).event, 'exception');
    equal((await client.ask('token')).data, 'good3');
  });

  it('$auth that is refused changes nothing (12.3)', async () => {
    const client = await server.open('/guarded?token=good');
    equal((await client.ask('$auth', { token: 'bad' })).event, 'exception');
    equal((await client.ask('token')).data, 'good');
  });

  it('$session tells the expiry, if there is one (13.1, 12.1)', async () => {
    const earliest = Date.now() + 60_000;
    const { session } = await server.openV1({ token: 'good for 60000' }, '/guarded');
    atLeast(session.expiresAt, earliest);
    atMost(session.expiresAt, Date.now() + 60_000);
    atLeast(session.expiresIn, 30_000, true);
    atMost(session.expiresIn, 60_000);
    const { session: endless } = await server.openV1({ token: 'good' }, '/guarded');
    equal(Object.keys(endless).includes('expiresAt'), false);
    equal(Object.keys(endless).includes('expiresIn'), false);
  });

  it('$auth returns the expiry, and the connection closes then with 4401 (13.1, 13.5)', async () => {
    const client = await server.open(`/guarded?token=${encodeURIComponent('good for 60000')}`);
    const { expiresAt, expiresIn } = (await client.ask('$auth', { token: 'good for 1000' })).data;
    atMost(expiresAt, Date.now() + 1_000);
    atLeast(expiresIn, 0, true);
    atMost(expiresIn, 1_000);
    equal((await client.ended()).code, 4401);
  });

  it('$auth is an unknown event, where features do not include it (12.3)', async () => {
    const { client, session } = await server.openV1();
    equal(session.features.includes('auth'), false);
    for (let times = 0; times < 12; times++) {
      const { event, data } = await client.ask('$auth', { token: 'good' });
      equal([event, data.code], ['exception', 'unknown_event']);
    }
  });

  it('pings of RFC 6455 are answered (18.2)', async () => {
    const client = await server.open();
    const pong = new Promise((resolve) => client.ws.on('pong', (data: Buffer) => resolve(data.toString())));
    client.ws.ping('ping');
    equal(await pong, 'ping');
  });

  describe('pings', () => {
    it('arrive at the interval of $session, and a client that answers stays connected (18.1)', async () => {
      const { client, session } = await server.openV1(undefined, '/pinging');
      atLeast(session.pingInterval, 0, true);
      let pings = 0;
      client.ws.on('ping', () => pings++);
      await until('four pings', () => pings === 4);
      await client.settled();
    });

    it('without an answer close the connection (18.1)', async () => {
      const client = await server.open('/pinging', { autoPong: false });
      equal((await client.ended()).code, 1006);
    });
  });

  describe('the server closes a connection', () => {
    it('with 1000 when the application disconnects the client, and answers nothing after it (18.4, 18.3)', async () => {
      const client = await server.open();
      client.send({ event: 'goodbye' });
      client.send({ event: 'echo', data: 1, id: 1 });
      equal((await client.ended()).code, 1000);
      equal(
        client.frames.filter(({ event }) => event === 'echo'),
        [],
      );
    });

    it('with the code that the client closes with (18.5)', async () => {
      for (const code of [1000, 3000, 4999]) {
        const client = await server.open();
        client.close(code);
        equal((await client.ended()).code, code);
      }
    });

    const itIfLimited = itUnless(
      server.capabilities.maxPayload === 0 ? 'the server has no maxPayload' : undefined,
    );

    itIfLimited('with 1009 after a message that is too large (6.3, 18.4)', async () => {
      const { client, session } = await server.openV1();
      client.send(JSON.stringify({ event: 'echo', data: 'x'.repeat(session.maxPayload) }));
      equal((await client.ended()).code, 1009);
    });

    itIfLimited('not after a message of exactly the maximum size (6.3)', async () => {
      const { client, session } = await server.openV1();
      const frame = { event: 'nothing', id: 1, data: '' };
      client.send({ ...frame, data: 'x'.repeat(session.maxPayload - JSON.stringify(frame).length) });
      equal(await client.answer(1), { event: 'nothing', ack: 1 });
    });

    it('and sends no message after the close frame (18.3)', async () => {
      const { hostname, port, pathname } = new URL(server.urlOf());
      const raw = await RawClient.connect(Number(port), pathname, {}, undefined, hostname);
      try {
        raw.text({ event: 'hold', id: 1 });
        raw.text({ event: 'goodbye' });
        equal((await raw.close()).code, 1000);
        const other = await server.open();
        await other.ask('release', 'late');
        await other.ask('tell', 'late');
        raw.send({ opcode: OP.close, payload: closeBody(1000) });
        equal(String(await raw.ended()), '');
      } finally {
        raw.tcp.destroy();
      }
    });

    const raw: [string, number, number[]][] = [
      ['1002 after a frame with the first reserved bit', 1002, [0xc1, 0x82, 0, 0, 0, 0, 0x7b, 0x7d]],
      ['1002 after a frame with the second reserved bit', 1002, [0xa1, 0x82, 0, 0, 0, 0, 0x7b, 0x7d]],
      ['1002 after a frame with the third reserved bit', 1002, [0x91, 0x82, 0, 0, 0, 0, 0x7b, 0x7d]],
      ['1002 after a frame that is not masked', 1002, [0x81, 0x02, 0x7b, 0x7d]],
      ['1002 after an unknown opcode', 1002, [0x83, 0x80, 0, 0, 0, 0]],
      ['1007 after a text that is not UTF-8', 1007, [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]],
    ];
    const itSendsFrames = itUnless(
      server.isWebSocket ? undefined : 'the transport has no frames of WebSockets',
    );
    itSendsFrames.each(raw)('with %s (18.4)', async (_, code, bytes) => {
      // without permessage-deflate, its bit is reserved as well
      const client = await server.open('', { perMessageDeflate: false });
      // bytes that `ws` itself never sends
      (client.ws as unknown as { _socket: Socket })._socket.write(Buffer.from(bytes));
      equal((await client.ended()).code, code);
    });
  });

  it('a client that did not offer envelope.v1 receives no $ events and no offsets (4.5)', async () => {
    const bare = await server.open('', { protocols: [authOf({ a: 1 }), 'bearer', 'good'] });
    const other = await server.open();
    await bare.settled();
    await other.ask('tell', 1);
    equal(await bare.next('told'), { event: 'told', data: 1 });
    equal(unsolicited(bare), [{ event: 'told', data: 1 }]);
  });
}
