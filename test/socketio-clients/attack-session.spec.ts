import { fakeAddresses } from '../support/fake-addresses.js';
import { RawClient } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestRaw, requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';
import { survives } from './attack.js';
import { describeOurs } from './fixture.js';
import { ask, PollingClient } from './raw-engine.js';

const UPGRADE = '/socket.io/?EIO=4&transport=websocket';

describeOurs('the id of a session', () => {
  expectNoUnhandledErrors();

  it(
    'has at least 120 random bits, and says nothing of other sessions',
    survives(async (attack) => {
      const ids = await Promise.all(Array.from({ length: 50 }, async () => (await attack.polling()).sid));
      expect(new Set(ids.map((sid) => sid.slice(0, 12))).size).toBe(50);
      for (const sid of ids) expect(sid).toMatch(/^[\w-]{20,}$/);
    }),
  );

  it.each([
    ...[
      'x',
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      '%00',
      '%0d%0aX-Injected:%201',
      '<script>',
    ],
    ...['a'.repeat(10_000), '%E2%98%83', '&sid=__proto__', '[]', '{}', '..%2F..', "'%20OR%201=1"],
  ])('is refused if it is guessed: %s', (sid) =>
    survives(async ({ port }) => {
      for (const body of [undefined, '42["note",1]']) {
        const answer = await ask(port, { query: { sid }, ...(body !== undefined && { body }) });
        expect(answer.status).toBe(400);
        expect(answer.headers).not.toHaveProperty('x-injected');
        expect(answer.body).not.toContain('script');
        expect(answer.body.length).toBeLessThan(500);
      }
      const { status } = await requestUpgrade(port, `${UPGRADE}&sid=${sid}`);
      expect(status).toBe(400);
    })(),
  );

  it(
    'is worth nothing at another address',
    survives(async (attack) => {
      fakeAddresses(attack.app, '203.0.113.1');
      const client = await attack.polling();
      await client.join();
      fakeAddresses(attack.app, '198.51.100.7');
      const poll = await client.ask();
      expect(poll.status).toBeGreaterThanOrEqual(400);
      expect(poll.status).toBeLessThan(500);
      const post = await client.post('42["note","stolen"]');
      expect(post.status).toBe(poll.status);
      const upgrade = await requestUpgrade(attack.port, `${UPGRADE}&sid=${client.sid}`);
      expect(upgrade.status).toBe(poll.status);
      // the owner keeps its session
      fakeAddresses(attack.app, '203.0.113.1');
      await client.post('420["echo","mine"]');
      expect(await client.next()).toBe('430["mine"]');
      expect(attack.root.received).toEqual([]);
    }),
  );

  it(
    'is worth nothing after the session has ended',
    survives(async (attack) => {
      const client = await attack.polling();
      await client.join();
      await client.post('1');
      await until('the session to end', async () => (await client.post('42["note",1]')).status === 400);
      expect((await client.ask()).status).toBe(400);
      expect(attack.root.received).toEqual([]);
    }),
  );
});

describeOurs('a request that the protocol does not have', () => {
  expectNoUnhandledErrors();

  it.each<[string, Record<string, string | undefined>]>([
    ['another version', { EIO: '3' }],
    ['no version', { EIO: undefined }],
    ['an invented version', { EIO: '5' }],
    ['no transport', { transport: undefined }],
    ['an unknown transport', { transport: 'jsonp' }],
    ['WebTransport', { transport: 'webtransport' }],
    ['a WebSocket without an upgrade', { transport: 'websocket' }],
    ['a name of a prototype', { transport: '__proto__' }],
  ])('is refused: %s', (_, query) =>
    survives(async ({ port }) => {
      const { status, headers } = await ask(port, { query });
      expect(status).toBe(400);
      expect(headers['content-type']).toMatch(/^application\/json/);
      const search = Object.entries({ EIO: '4', transport: 'websocket', ...query });
      const target = search.map(([name, value]) => (value === undefined ? '' : `${name}=${value}`)).join('&');
      // a WebSocket over an upgrade is what the protocol has
      if (query['transport'] === 'websocket') return;
      expect((await requestUpgrade(port, `/socket.io/?${target}`)).status).toBe(400);
    })(),
  );

  it.each(['PUT', 'DELETE', 'PATCH', 'HEAD', 'TRACE'])('is refused: the method %s', (method) =>
    survives(async (attack) => {
      expect((await ask(attack.port, { method })).status).toBe(400);
      const client = await attack.polling();
      expect((await client.ask({ method })).status).toBe(400);
    })(),
  );

  it(
    'is refused: a session that begins with a POST',
    survives(async ({ port }) => {
      expect((await ask(port, { body: '40' })).status).toBe(400);
    }),
  );

  it.each([
    ...['//socket.io/?EIO=4&transport=polling', '/socket.io//?EIO=4&transport=polling', '/socket.io/%'],
    ...[
      '/socket.io/?%',
      '/socket.io/?EIO=4&transport=polling&sid=%',
      'http://[/socket.io/?EIO=4',
      '*',
      '/socket.io/#',
    ],
    ...['/socket.io/?EIO=4&EIO=3&transport=polling&transport=x', '/socket.io/?a='.padEnd(8_000, 'a')],
    ...['http://evil.example/socket.io/?EIO=3&transport=polling', '/socket.io/../?EIO=4&transport=polling'],
  ])('has an answer of HTTP, and does not end the process: %s', (target) =>
    survives(async ({ port }) => {
      const host = `Host: 127.0.0.1:${port}`;
      const plain = await requestRaw(port, `GET ${target} HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`);
      expect(plain.status).toBeGreaterThanOrEqual(400);
      const { status } = await requestUpgrade(port, target);
      expect(status).toBeGreaterThanOrEqual(400);
    })(),
  );
});

describeOurs('an upgrade of a session', () => {
  expectNoUnhandledErrors();

  const upgradeTo = (client: PollingClient): Promise<RawClient> =>
    RawClient.connect(client.port, `${UPGRADE}&sid=${client.sid}`);
  const upgradeStatus = async (port: number, sid: string): Promise<number> =>
    (await requestUpgrade(port, `${UPGRADE}&sid=${sid}`)).status;

  it(
    'that does not say what it wants is closed, and the session goes on',
    survives(
      async (attack) => {
        const client = await attack.polling();
        await client.join();
        const idle = await upgradeTo(client);
        await idle.close();
        await client.post('420["echo",1]');
        expect(await client.next()).toBe('430[1]');
      },
      { transport: { upgradeTimeout: 200 } },
    ),
  );

  it(
    'is taken once: others are refused',
    survives(async (attack) => {
      const client = await attack.polling();
      await client.join();
      const first = await upgradeTo(client);
      first.text('2probe');
      expect(await first.message()).toBe('3probe');
      expect(await upgradeStatus(attack.port, client.sid)).toBe(400);
      first.text('5');
      first.text('420["echo",1]');
      expect(await first.message()).toBe('430[1]');
      expect(await upgradeStatus(attack.port, client.sid)).toBe(400);
      first.text('421["echo",2]');
      expect(await first.message()).toBe('431[2]');
      first.tcp.destroy();
      await attack.expectAlone();
    }),
  );

  it(
    'is refused where the session began on a WebSocket',
    survives(async (attack) => {
      const client = await attack.socket();
      await client.join();
      expect(await upgradeStatus(attack.port, client.handshake.sid)).toBe(400);
      client.send('420["echo",1]');
      expect(await client.next()).toBe('430[1]');
    }),
  );

  it(
    'is refused where upgrades are off',
    survives(
      async (attack) => {
        const client = await attack.polling();
        await client.join();
        expect(await upgradeStatus(attack.port, client.sid)).toBe(400);
      },
      { transport: { allowUpgrades: false } },
    ),
  );

  it(
    'with messages before it is made is closed, and they are not handled',
    survives(async (attack) => {
      const client = await attack.polling();
      await client.join();
      const early = await upgradeTo(client);
      early.text('42["note","early"]');
      await early.close();
      await client.post('420["echo",1]');
      expect(await client.next()).toBe('430[1]');
      expect(attack.root.received).toEqual([]);
    }),
  );

  it(
    'begun by hundreds leaves nothing',
    survives(async (attack) => {
      const client = await attack.polling();
      await client.join();
      await Promise.all(
        Array.from({ length: 200 }, async () => {
          const socket = await upgradeTo(client).catch(() => undefined);
          socket?.tcp.destroy();
        }),
      );
      await attack.expectServed();
      await client.leave();
      await attack.expectAlone();
    }),
  );
});
