import { equal, isList, isNumber, isPresent, isText, matches } from '../compare.js';
import { requestRaw } from '../raw-request.js';
import type { Suite } from '../suite.js';
import { authOf, unsolicited, type Server } from './server.js';

/** Declares the checks of PROTOCOL.md, sections 2 to 4. */
export function declareHandshakeChecks({ describe, it }: Suite, server: Server): void {
  it('needs no header, no subprotocol and no first message, and sends nothing unsolicited (2.1, 4.5)', async () => {
    const client = await server.open();
    await client.settled();
    equal(client.ws.protocol, '');
    equal(unsolicited(client), []);
    equal(await client.ask('echo', 'hi', 1), { event: 'echo', data: 'hi', ack: 1 });
  });

  it('refuses a path without a gateway with 404 (2.3)', async () => {
    const { status, body } = await server.refused('/no/gateway/here');
    equal(status, 404);
    matches(body, { statusCode: 404, message: isPresent });
  });

  it.each([
    ['another method', 'POST', { 'Content-Length': '0' }],
    ['no key', 'GET', { 'Sec-WebSocket-Key': undefined }],
    ['an invalid key', 'GET', { 'Sec-WebSocket-Key': 'x' }],
    ['another version', 'GET', { 'Sec-WebSocket-Version': '7' }],
    ['no host', 'GET', { Host: undefined }],
    ['an invalid host', 'GET', { Host: 'a b' }],
  ])('refuses an invalid handshake with 400 or 405: %s (2.3)', async (_, method, change) => {
    const { hostname, port, pathname } = new URL(server.urlOf());
    const fields: Record<string, string | undefined> = {
      Host: `${hostname}:${port}`,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...change,
    };
    const lines = Object.entries(fields).flatMap(([name, value]) =>
      value === undefined ? [] : `${name}: ${value}\r\n`,
    );
    const request = `${method} ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`;
    const answer = await requestRaw(Number(port), request, hostname);
    equal([400, 405].includes(answer.status), true);
  });

  it.each([
    ['a query', '/guarded?token=good&x=/y'],
    ['a slash at the end', '/guarded/?token=good'],
    ['an escape of a letter', '/gu%61rded?token=good'],
  ])('accepts another form of a path: %s (2.2)', async (_, path) => {
    const client = await server.open(path);
    equal((await client.ask('token')).data, 'good');
  });

  it('handles what a client sends before $session, in order (4.6)', async () => {
    const client = await server.open('', { protocols: ['envelope.v1'] });
    for (let id = 1; id <= 20; id++) client.send({ event: 'echo', data: id, id });
    for (let id = 1; id <= 20; id++) equal((await client.answer(id)).data, id);
  });

  describe('subprotocols', () => {
    it.each([
      ['nothing', [], ''],
      ['envelope.v1 alone', ['envelope.v1'], 'envelope.v1'],
      ['envelope.v1 last', ['mine', 'bearer', 'good', 'envelope.v1'], 'envelope.v1'],
      ['envelope.v1 beside credentials', [authOf({ a: 1 }), 'envelope.v1'], 'envelope.v1'],
      ['bearer and a token', ['bearer', 'good'], 'bearer'],
      ['bearer after another', ['mine', 'bearer', 'good'], 'bearer'],
      [
        'envelope.v1 after a later version',
        ['envelope.v2', 'envelope.v1+msgpack', 'envelope.v1'],
        'envelope.v1',
      ],
    ])('selects as PROTOCOL.md says: %s (3.1, 3.5, 3.7)', async (_, protocols, selected) => {
      const client = await server.open('', { protocols });
      equal(client.ws.protocol, selected);
    });

    it.each([
      ['credentials alone', [authOf({ token: 'good' })]],
      ['a long name', ['x'.repeat(65)]],
      ['unknown names', ['mine', 'yours']],
      ['credentials and an unknown name', [authOf({ a: 1 }), 'mine']],
      ['bearer without a token', ['mine', 'bearer']],
      ['bearer after its token', ['good', 'bearer']],
      ['bearer before a name of the protocol', ['bearer', authOf({ a: 1 })]],
      ['the reserved encoding', ['envelope.v1+msgpack']],
      ['a later version', ['envelope.v2']],
      ['another case', ['Envelope.V1']],
      ['names that contain envelope.v1', ['envelope.v1.', 'envelope.v1x', 'xenvelope.v1']],
    ])('selects no name that it does not support: %s (3.2, 3.3, 3.6, 3.7)', async (_, protocols) => {
      // like a browser, `ws` fails a connection when none of its names was selected
      const opened = await server.open('', { protocols }).then(
        () => 'open',
        (error: unknown) => String(error),
      );
      matches([opened.includes('no subprotocol') || opened], [true]);
    });
  });

  describe('credentials', () => {
    const header = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

    it.each([
      ['none', '', {}],
      ['a wrong token', '?token=bad', {}],
      ['a valid token, but not directly after "bearer"', '', { protocols: ['bearer', 'bad', 'good'] }],
      ['a valid token before "bearer"', '', { protocols: ['good', 'bearer', 'bad'] }],
      ['a valid token after a wrong one', '', { protocols: ['bearer', 'bad'], headers: header('good') }],
    ])('are refused with 401 or 403 when they are wrong: %s (2.3, 3.8)', async (_, query, options) => {
      const { status, body } = await server.refused(`/guarded${query}`, options);
      equal([401, 403].includes(status), true);
      matches(body, { statusCode: status, message: isPresent });
    });

    it('are answered with 500, without internal errors, when the check itself fails (2.3)', async () => {
      const { status, body } = await server.refused('/guarded?token=broken');
      equal(status, 500);
      equal(JSON.stringify(body).includes('secret'), false);
    });

    it.each([
      [
        'envelope.auth',
        '?token=good4',
        { protocols: ['bearer', 'good2', authOf({ token: 'good1' }), 'mine'], headers: header('good3') },
        'good1',
      ],
      ['bearer', '?token=good4', { protocols: ['bearer', 'good2'], headers: header('good3') }, 'good2'],
      ['bearer after other names', '', { protocols: ['mine', 'bearer', 'good2', 'yours'] }, 'good2'],
      ['the header', '?token=good4', { headers: header('good3') }, 'good3'],
      ['the query', '?token=good4', {}, 'good4'],
    ])('are taken from the first present source: %s (3.6, 3.7, 3.8)', async (_, query, options, token) => {
      const client = await server.open(`/guarded${query}`, options);
      equal((await client.ask('token')).data, token);
    });
  });

  it('sends $session first and once to a client that offers envelope.v1 (4.1, 12.1, 12.2)', async () => {
    const { client, session } = await server.openV1();
    await client.settled();
    equal(client.frames[0]!.event, '$session');
    equal(unsolicited(client).filter((frame) => 'event' in frame && frame.event === '$session').length, 1);
    matches(session, {
      id: isText,
      recovered: false,
      pingInterval: isNumber,
      pingTimeout: isNumber,
      maxJsonDepth: isNumber,
      maxPayload: isNumber,
      features: isList,
    });
    equal(
      session.features.every((name) => typeof name === 'string'),
      true,
    );
    equal(session.features.includes('recovery'), session.session !== undefined);
  });

  it('sends an exception with code "refused" and closes with 1008 when a middleware refuses the connection (4.3, 4.5)', async () => {
    const client = await server.open('/refusing');
    matches((await client.next('exception')).data, { status: 'error', code: 'refused' });
    equal((await client.ended()).code, 1008);
  });

  it('sends no $session to a client with envelope.v1 when a middleware refuses it (4.3)', async () => {
    const client = await server.open('/refusing', { protocols: ['envelope.v1'] });
    matches((await client.next('exception')).data, { status: 'error', code: 'refused' });
    equal((await client.ended()).code, 1008);
    equal(client.frames.map(({ event }) => event).includes('$session'), false);
  });
}
