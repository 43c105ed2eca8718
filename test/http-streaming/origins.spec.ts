import { startStreaming } from './fixture.js';
import { HttpLine, post, type Answer } from './http-client.js';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const FOREIGN = { Origin: 'https://evil.example' };
const ALLOWED = { Origin: 'https://app.example' };
const CORS = { origin: ['https://app.example'], credentials: true };

const preflight = (port: number, origin: object, action = 'open'): Promise<Answer> =>
  post(
    port,
    `/ws?envelope=${action}`,
    '',
    { ...(origin as Record<string, string>), 'Access-Control-Request-Method': 'POST' },
    'OPTIONS',
  );

describe('pages of other origins (B4)', () => {
  it('may not connect, whatever they send, and their body is not read', async () => {
    const { app, gateway, port } = await startStreaming({ cors: CORS });
    for (const origin of [FOREIGN, { Origin: 'null' }])
      for (const type of [{}, JSON_TYPE, { 'Content-Type': 'text/plain' }]) {
        const answer = await post(port, '/ws?envelope=open', '{"token":"ada"}', { ...origin, ...type });
        expect(answer.status).toBe(403);
        expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
      }
    // a body that never comes does not delay the refusal
    const waiting = await post(port, '/ws?envelope=open', '', {
      ...FOREIGN,
      ...JSON_TYPE,
      'Content-Length': '9',
      Expect: '100-continue',
    }).catch((error: unknown) => error);
    expect(waiting).toMatchObject({ status: 403 });
    expect(gateway.connected).toEqual([]);
    expect(app.log.of('warn').join()).toContain('evil.example');
  });

  it('may not use a key that they have learned', async () => {
    const { gateway, port } = await startStreaming({ cors: CORS });
    const line = await HttpLine.open(port);
    const headers = { 'Envelope-Line': line.key, 'Envelope-Have': '0', ...FOREIGN };
    for (const action of ['send', 'on', 'close'])
      expect((await post(port, `/ws?envelope=${action}`, '', headers)).status).toBe(403);
    expect(gateway.last.connected).toBe(true);
  });

  it('are refused at the preflight, which the allowed ones pass', async () => {
    const { port } = await startStreaming({ cors: CORS });
    for (const action of ['open', 'send', 'on', 'close'])
      expect((await preflight(port, FOREIGN, action)).status).toBe(403);
    const { status, headers } = await preflight(port, ALLOWED);
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST',
      'access-control-max-age': '600',
      vary: 'Origin',
    });
    expect(headers['access-control-allow-headers']!.split(', ')).toEqual([
      'Authorization',
      'Content-Type',
      'Envelope-Have',
      'Envelope-Line',
      'Envelope-Seq',
    ]);
  });

  it('of an allowed origin can read every answer, refusals too', async () => {
    const { port } = await startStreaming({ cors: CORS });
    const line = await HttpLine.open(port, { headers: ALLOWED });
    const answers = [
      line.headers[0],
      (await line.send({ event: 'say' })).headers,
      (await line.post('x', '{}')).headers,
      (await post(port, '/ws?envelope=open', '{"token":"wrong"}', { ...ALLOWED, ...JSON_TYPE })).headers,
      (await post(port, '/ws?envelope=send', '', ALLOWED)).headers,
    ];
    for (const headers of answers)
      expect(headers).toMatchObject({
        'access-control-allow-origin': 'https://app.example',
        'access-control-expose-headers': 'Retry-After',
      });
  });

  it('get no credentials from a wildcard, or from a rule that does not say so', async () => {
    const wildcard = await startStreaming({ cors: { origin: '*', credentials: true } });
    const answer = await preflight(wildcard.port, FOREIGN);
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': '*' });
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
    const plain = await startStreaming({ cors: { origin: 'https://app.example' } });
    const allowed = await preflight(plain.port, ALLOWED);
    expect(allowed.headers).toMatchObject({ 'access-control-allow-origin': 'https://app.example' });
    expect(allowed.headers).not.toHaveProperty('access-control-allow-credentials');
  });

  it('need a header or a type that no form can send', async () => {
    const { gateway, port } = await startStreaming();
    const sameOrigin = { Origin: `http://127.0.0.1:${port}` };
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', ''])
      expect(
        (await post(port, '/ws?envelope=open', '{}', { ...sameOrigin, 'Content-Type': type })).status,
      ).toBe(415);
    const line = await HttpLine.open(port, { headers: sameOrigin });
    expect(line.headers[0]).not.toHaveProperty('access-control-allow-origin');
    for (const action of ['send', 'on', 'close'])
      expect((await post(port, `/ws?envelope=${action}&line=${line.key}`, '', sameOrigin)).status).toBe(400);
    expect((await line.post(1, '{"event":"say"}', { 'Content-Type': 'text/plain' })).status).toBe(415);
    expect(gateway.heard).toEqual([]);
    // not even a link or an image
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const answer = await post(port, '/ws?envelope=open', '', JSON_TYPE, method);
      expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST, OPTIONS' } });
    }
    expect(gateway.connected).toHaveLength(1);
  });

  it('are decided by a rule of the application, also if it fails', async () => {
    const { port } = await startStreaming({
      cors: {
        origin: (origin: string, callback: (error: Error | null, allowed?: boolean) => void) => {
          if (origin === 'https://broken.example') throw new Error('broken');
          setImmediate(() => callback(null, origin === 'https://app.example'));
        },
      },
    });
    await HttpLine.open(port, { headers: ALLOWED });
    for (const origin of [FOREIGN, { Origin: 'https://broken.example' }])
      expect((await preflight(port, origin)).status).toBe(403);
  });

  it('are refused by a rule that says no once and yes later', async () => {
    let calls = 0;
    const { gateway, port } = await startStreaming({
      cors: { origin: (_: string, callback) => callback(null, calls++ > 0) },
    });
    const answer = await post(port, '/ws?envelope=open', '{}', { ...FOREIGN, 'Content-Type': 'text/plain' });
    expect(answer.status).toBe(403);
    expect(gateway.connected).toEqual([]);
  });

  it('follow the rule of the path, as for WebSockets', async () => {
    const { app, port } = await startStreaming(
      {},
      {},
      {
        before: (nest) => nest.enableCors({ origin: 'https://app.example', credentials: true }),
      },
    );
    await HttpLine.open(port, { headers: ALLOWED });
    await app.connect('/ws', { headers: ALLOWED });
    expect((await preflight(port, FOREIGN)).status).toBe(403);
    await expect(app.connect('/ws', { headers: FOREIGN })).rejects.toThrow('403');
  });
});
