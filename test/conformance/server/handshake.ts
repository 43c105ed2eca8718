import { requestRaw } from '../../support/upgrade.js';
import { authOf, unsolicited, type Server } from './server.js';

/** Declares the checks of PROTOCOL.md, sections 2 to 4. */
export function declareHandshakeChecks(server: Server): void {
  it('needs no header, no subprotocol and no first message, and sends nothing unsolicited', async () => {
    const client = await server.open();
    await client.settled();
    expect(client.ws.protocol).toBe('');
    expect(unsolicited(client)).toEqual([]);
    expect(await client.ask('echo', 'hi', 1)).toEqual({ event: 'echo', data: 'hi', ack: 1 });
  });

  it('refuses a path without a gateway with 404', async () => {
    const { status, body } = await server.refused('/no/gateway/here');
    expect(status).toBe(404);
    expect(body).toMatchObject({ statusCode: 404, message: expect.anything() });
  });

  it.each([
    ['another method', 'POST', { 'Content-Length': '0' }],
    ['no key', 'GET', { 'Sec-WebSocket-Key': undefined }],
    ['an invalid key', 'GET', { 'Sec-WebSocket-Key': 'x' }],
    ['another version', 'GET', { 'Sec-WebSocket-Version': '7' }],
    ['no host', 'GET', { Host: undefined }],
    ['an invalid host', 'GET', { Host: 'a b' }],
  ])('refuses an invalid handshake with 400 or 405: %s', async (_, method, change) => {
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
    const answer = await requestRaw(Number(port), `${method} ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`);
    expect([400, 405]).toContain(answer.status);
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
    ])('selects as PROTOCOL.md says: %s', async (_, protocols, selected) => {
      const client = await server.open('', { protocols });
      expect(client.ws.protocol).toBe(selected);
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
    ])('selects no name that it does not support: %s', async (_, protocols) => {
      // like a browser, `ws` fails a connection when none of its names was selected
      await expect(server.open('', { protocols })).rejects.toThrow('no subprotocol');
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
    ])('are refused with 401 or 403 when they are wrong: %s', async (_, query, options) => {
      const { status, body } = await server.refused(`/guarded${query}`, options);
      expect([401, 403]).toContain(status);
      expect(body).toMatchObject({ statusCode: status, message: expect.anything() });
    });

    it('are answered with 500, without internal errors, when the check itself fails', async () => {
      const { status, body } = await server.refused('/guarded?token=broken');
      expect(status).toBe(500);
      expect(JSON.stringify(body)).not.toContain('secret');
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
    ])('are taken from the first present source: %s', async (_, query, options, token) => {
      const client = await server.open(`/guarded${query}`, options);
      expect((await client.ask('token')).data).toBe(token);
    });
  });

  it('sends $session first and once to a client that offers envelope.v1', async () => {
    const { client, session } = await server.openV1();
    await client.settled();
    expect(client.frames[0]!.event).toBe('$session');
    expect(
      unsolicited(client).filter((frame) => 'event' in frame && frame.event === '$session'),
    ).toHaveLength(1);
    expect(session).toMatchObject({
      id: expect.any(String),
      recovered: false,
      pingInterval: expect.any(Number),
      pingTimeout: expect.any(Number),
      maxJsonDepth: expect.any(Number),
      maxPayload: expect.any(Number),
      features: expect.any(Array),
    });
    expect(session.features.every((name) => typeof name === 'string')).toBe(true);
    expect(session.features.includes('recovery')).toBe(session.session !== undefined);
  });

  it('sends an exception with code "refused" and closes with 1008 when a middleware refuses the connection', async () => {
    const client = await server.open('/refusing');
    expect((await client.next('exception')).data).toMatchObject({ status: 'error', code: 'refused' });
    expect((await client.ended()).code).toBe(1008);
  });

  it('sends no $session to a client with envelope.v1 when a middleware refuses it', async () => {
    const client = await server.open('/refusing', { protocols: ['envelope.v1'] });
    expect((await client.next('exception')).data).toMatchObject({ status: 'error', code: 'refused' });
    expect((await client.ended()).code).toBe(1008);
    expect(client.frames.map(({ event }) => event)).not.toContain('$session');
  });
}
