import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { survives } from './attack.js';
import { describeOurs } from './fixture.js';
import { ask } from './raw-engine.js';

const FOREIGN = 'https://evil.example';
const WEBSOCKET = '/socket.io/?EIO=4&transport=websocket';

describeOurs('a page of a foreign origin', () => {
  expectNoUnhandledErrors();

  it(
    'opens no session, over either transport',
    survives(async ({ port }) => {
      for (const origin of [FOREIGN, 'null', `http://127.0.0.1:${port}.evil.example`, 'http://127.0.0.1:1']) {
        const { status, body, headers } = await ask(port, { headers: { Origin: origin } });
        expect([origin, status]).toEqual([origin, 403]);
        expect(body).not.toContain('sid');
        expect(headers['access-control-allow-origin']).toBeUndefined();
        expect(headers['set-cookie']).toBeUndefined();
        const upgrade = await requestUpgrade(port, WEBSOCKET, { Origin: origin });
        expect([origin, upgrade.status]).toEqual([origin, 403]);
      }
    }),
  );

  it(
    'neither polls nor posts in a session whose id it knows',
    survives(async (attack) => {
      const client = await attack.polling();
      await client.join();
      const headers = { Origin: FOREIGN };
      const poll = await client.ask({ headers });
      expect([poll.status, poll.headers['access-control-allow-origin']]).toEqual([403, undefined]);
      // what a form of another page can send without a preflight
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
      ]) {
        const post = await client.ask({
          headers: { ...headers, 'Content-Type': type },
          body: '42["note","forged"]',
        });
        expect([type, post.status, post.headers['access-control-allow-origin']]).toEqual([
          type,
          403,
          undefined,
        ]);
      }
      const upgrade = await requestUpgrade(attack.port, `${WEBSOCKET}&sid=${client.sid}`, headers);
      expect(upgrade.status).toBe(403);
      // the session is as it was
      await client.post('420["echo","mine"]');
      expect(await client.next()).toBe('430["mine"]');
      expect(attack.root.received).toEqual([]);
    }),
  );

  it(
    'gets no leave from a preflight',
    survives(async ({ port }) => {
      const headers = { Origin: FOREIGN, 'Access-Control-Request-Method': 'POST' };
      const { headers: given } = await ask(port, { method: 'OPTIONS', headers });
      expect(Object.keys(given).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }),
  );

  it(
    'is not let in by a second Origin or Host header',
    survives(async ({ port }) => {
      const own = `http://127.0.0.1:${port}`;
      for (const origins of [
        [own, FOREIGN],
        [FOREIGN, own],
      ]) {
        const { status } = await ask(port, { headers: { Origin: origins } });
        expect([origins, status]).toEqual([origins, 403]);
      }
      const { status } = await ask(port, {
        headers: { Origin: FOREIGN, 'X-Forwarded-Host': 'evil.example' },
      });
      expect(status).toBe(403);
    }),
  );
});

describeOurs('a page of an origin that is let in', () => {
  expectNoUnhandledErrors();

  it(
    'gets its own name back, and never a wildcard',
    survives(
      async (attack) => {
        const headers = { Origin: 'https://app.example' };
        const client = await attack.polling(headers);
        const joined = await client.join();
        expect(joined).toMatch(/^40\{"sid":/);
        for (const answer of [await client.post('420["echo",1]'), await client.ask()]) {
          expect(answer.status).toBe(200);
          expect(answer.headers['access-control-allow-origin']).toBe('https://app.example');
          expect(answer.headers['vary']).toMatch(/origin/i);
        }
        const preflight = await ask(attack.port, {
          method: 'OPTIONS',
          headers: { ...headers, 'Access-Control-Request-Method': 'POST' },
        });
        expect(preflight.headers['access-control-allow-origin']).toBe('https://app.example');
        const foreign = await ask(attack.port, { headers: { Origin: FOREIGN } });
        expect([foreign.status, foreign.headers['access-control-allow-origin']]).toEqual([403, undefined]);
      },
      { adapter: { cors: { origin: ['https://app.example'] } } },
    ),
  );
});
