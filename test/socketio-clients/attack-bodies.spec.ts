import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { heapBytes, leastGrowth } from '../support/heap.js';
import { until } from '../support/wait.js';
import { survives } from './attack.js';
import { describeOurs } from './fixture.js';
import { SEPARATOR, type PollingClient } from './raw-engine.js';

const MEGABYTE = 1_000_000;

/** Resolves when the server has forgotten the session of a client. */
async function gone(client: PollingClient): Promise<void> {
  await until('the session to end', () => client.isGone());
}

describeOurs('the body of a POST', () => {
  expectNoUnhandledErrors();

  it(
    'over maxPayload gets 413, however it is announced',
    survives(
      async (attack) => {
        for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }]) {
          const client = await attack.polling();
          await client.join();
          const body = `42["note","${'x'.repeat(2_000)}"]`;
          expect((await client.ask({ body, headers })).status).toBe(413);
        }
        expect(attack.root.received).toEqual([]);
      },
      { adapter: { limits: { maxPayload: 1_000 } } },
    ),
  );

  it(
    'without an end gets 413 too, and takes no memory',
    survives(async (attack) => {
      const growth = await leastGrowth(async () => {
        const client = await attack.polling();
        await client.join();
        const { request, answer } = client.begin({ body: '42["note","', isOpen: true });
        request.on('error', () => undefined);
        const chunk = 'x'.repeat(100_000);
        let status: number | undefined;
        answer.then(
          (given) => (status = given.status),
          () => (status = -1),
        );
        for (let sent = 0; sent < 50 && status === undefined; sent++) {
          await new Promise((resolve) => request.write(chunk, resolve));
        }
        await until('an answer', () => status !== undefined);
        expect([413, -1]).toContain(status);
        return async () => {
          request.destroy();
          await client.leave();
          attack.forget();
        };
      });
      expect(growth).toBeLessThan(MEGABYTE / 2);
    }),
  );

  it(
    'that trickles keeps a session no longer than the heartbeat does',
    survives(
      async (attack) => {
        const client = await attack.polling();
        await client.join();
        const { request, answer } = client.begin({ body: '42', isOpen: true });
        request.on('error', () => undefined);
        const drip = setInterval(() => request.write(' '), 20);
        // a trickling request does not answer the ping
        await expect(answer).rejects.toThrow(/closed|hang up|ECONNRESET/);
        clearInterval(drip);
        await gone(client);
        await attack.expectAlone();
      },
      { adapter: { pingInterval: 100, pingTimeout: 1_000 } },
    ),
  );

  it.each([
    ['no packet', ''],
    ['unknown packets', ['7', '9', 'x'].join(SEPARATOR)],
    ['empty packets', SEPARATOR.repeat(1_000)],
    ['bytes without a text', 'bAAAA'],
    ['bad base64', 'b!!!!'],
    ['no UTF-8', '42["\uFFFD'],
    ['no packet of Socket.IO', '49'],
    ['an upgrade of a polling session', '5'],
    ['a ping of the server', '2'],
    ['a handshake of the client', '0{"sid":"mine"}'],
  ])('may be anything: %s', (_, body) =>
    survives(async (attack) => {
      const client = await attack.polling();
      await client.join();
      const { status } = await client.ask({ body });
      expect(status).toBeLessThan(500);
      expect(attack.root.received).toEqual([]);
    })(),
  );

  it(
    'as bytes is refused',
    survives(async (attack) => {
      const client = await attack.polling();
      await client.join();
      const headers = { 'Content-Type': 'application/octet-stream' };
      expect((await client.ask({ headers, body: Buffer.from([4, 2]) })).status).toBe(400);
    }),
  );

  it(
    'with tens of thousands of packets is a flood, whose client is disconnected',
    survives(async (attack) => {
      const client = await attack.polling();
      await client.join();
      await client.post(...Array.from({ length: 50_000 }, () => '42["note",1]'));
      await gone(client);
      // messageBurst, and what a fraction of a second adds
      expect(attack.root.received.length).toBeLessThan(1_500);
      await attack.expectAlone();
    }),
  );

  it(
    'that overlaps with another one ends the session',
    survives(async (attack) => {
      const client = await attack.polling();
      await client.join();
      const first = client.begin({ body: '42', isOpen: true });
      first.request.on('error', () => undefined);
      await new Promise((resolve) => first.request.once('socket', (tcp) => tcp.once('connect', resolve)));
      await until('the overlap to be seen', async () => (await client.post('42["note",1]')).status === 400);
      await gone(client);
      await attack.expectAlone();
      expect(attack.root.received.length).toBeLessThan(2);
    }),
  );
});

describeOurs('a poll', () => {
  expectNoUnhandledErrors();

  it(
    'that overlaps with another one ends the session',
    survives(async (attack) => {
      const client = await attack.polling();
      await client.join();
      const polls = Array.from({ length: 100 }, () => client.begin());
      const answers = await Promise.allSettled(polls.map(({ answer }) => answer));
      const statuses = answers.map((result) => (result.status === 'fulfilled' ? result.value.status : 0));
      expect(statuses.filter((status) => status === 200).length).toBeLessThan(2);
      await gone(client);
      await attack.expectAlone();
    }),
  );

  it(
    'that is cut ends the session',
    survives(async (attack) => {
      const client = await attack.polling();
      await client.join();
      const { request } = client.begin();
      request.on('error', () => undefined);
      await new Promise((resolve) => request.once('finish', resolve));
      await new Promise((resolve) => setImmediate(resolve));
      request.destroy();
      await gone(client);
      await attack.expectAlone();
    }),
  );

  it(
    'that is not made lets no more than maxBufferedBytes wait',
    survives(
      async (attack) => {
        const text = 'x'.repeat(10_000);
        const growth = await leastGrowth(async () => {
          const client = await attack.polling();
          await client.join('/chat');
          for (let sent = 0; sent < 500; sent++) attack.chat.server.emit('news', text, sent);
          await attack.expectServed();
          return async () => {
            await gone(client);
            await attack.expectAlone();
            attack.forget();
          };
        });
        // of 5 MB
        expect(growth).toBeLessThan(MEGABYTE);
      },
      { adapter: { limits: { maxBufferedBytes: 200_000 } } },
    ),
  );

  it(
    'whose answer is not read, again and again, ends the session, and its connections are cut',
    survives(
      async (attack) => {
        const client = await attack.polling();
        await client.join('/chat');
        const before = heapBytes();
        const text = 'x'.repeat(MEGABYTE);
        let polls = 0;
        while (!(await client.isGone())) {
          if (++polls > 20) throw new Error('the session has not ended');
          const { request } = client.begin();
          request.on('error', () => undefined);
          request.on('socket', (tcp) => tcp.pause());
          await new Promise((resolve) => request.once('finish', resolve));
          await attack.expectServed();
          // more than the buffers of the kernel take
          for (let sent = 0; sent < 10; sent++) attack.chat.server.emit('news', text + sent + polls);
        }
        expect(heapBytes() - before).toBeLessThan(60 * MEGABYTE);
        await until('the connections to be cut', async () => (await attack.openConnections()) === 2);
      },
      { adapter: { limits: { maxBufferedBytes: 20 * MEGABYTE } } },
    ),
  );
});
