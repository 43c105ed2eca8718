import { UseGuards, type CanActivate } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { leastGrowth } from '../support/heap.js';
import { until } from '../support/wait.js';
import { AttackedGateway, survives } from './attack.js';
import { describeOurs } from './fixture.js';

/** Milliseconds in which a client joins, also on a busy machine. */
const JOIN_TIME = 1_000;

/** How many CONNECTs wait for a guard that never settles. */
let hanging = 0;

class HangingGuard implements CanActivate {
  canActivate(): Promise<boolean> {
    hanging++;
    return new Promise(() => undefined);
  }
}

@UseGuards(HangingGuard)
@WebSocketGateway({ path: '/guarded' })
class GuardedGateway extends AttackedGateway {}

describeOurs('CONNECT', () => {
  expectNoUnhandledErrors();
  beforeEach(() => {
    hanging = 0;
  });

  it(
    'is needed within connectTimeout',
    survives(
      async (attack) => {
        const socket = await attack.socket();
        const polling = await attack.polling();
        await socket.rest();
        await until('the session to end', () => polling.isGone());
        await attack.expectAlone();
      },
      { adapter: { connectTimeout: JOIN_TIME } },
    ),
  );

  it(
    'is needed again within connectTimeout after the last namespace was left',
    survives(
      async (attack) => {
        const socket = await attack.socket();
        await socket.join();
        socket.send('41');
        await socket.rest();
        await attack.expectAlone();
      },
      { adapter: { connectTimeout: JOIN_TIME } },
    ),
  );

  it(
    'has an effect once for each namespace',
    survives(async (attack) => {
      const client = await attack.socket();
      client.send(...Array.from({ length: 20 }, () => '40'), '420["echo",1]');
      const first = await client.next();
      expect(first).toMatch(/^40\{"sid":"/);
      expect(await client.next()).toBe('430[1]');
      expect(attack.root.server.sockets.size).toBe(3);
      client.raw.tcp.destroy();
      await attack.expectAlone();
    }),
  );

  it.each([
    ...['/__proto__', '/constructor', '/toString', '/unknown', '//', '/chat/', '/CHAT', '/../chat'],
    ...[
      '/\u0000',
      '/\r\nX: 1',
      '/<script>',
      '/rooms',
      '/rooms/',
      '/rooms/1/2',
      `/${'x'.repeat(900)}`,
      '/ chat',
      '/chat\\',
    ],
  ])('to an unknown namespace is refused: %s', (namespace) =>
    survives(async (attack) => {
      const client = await attack.socket();
      client.send(`40${namespace},`);
      const answer = await client.next();
      if (answer !== undefined) expect(answer).toBe(`44${namespace},{"message":"Invalid namespace"}`);
      expect(attack.chat.server.sockets.size).toBe(0);
      client.raw.tcp.destroy();
      await attack.expectAlone();
    })(),
  );

  it(
    'to thousands of namespaces on one connection is capped',
    survives(async (attack) => {
      const growth = await leastGrowth(async () => {
        const client = await attack.socket();
        let refused = 0;
        let accepted = 0;
        for (let room = 0; room < 900; room += 100)
          client.send(...Array.from({ length: 100 }, (_, i) => `40/rooms/${room + i},`));
        for (let packet = await client.next(); packet !== undefined; packet = await client.next()) {
          if (packet.startsWith('40')) accepted++;
          else if (packet.startsWith('44')) refused++;
          if (accepted + refused === 900) break;
        }
        expect([accepted, refused]).toEqual([32, 868]);
        await attack.expectServed();
        return async () => {
          client.raw.tcp.destroy();
          await attack.expectAlone();
          attack.forget();
        };
      });
      expect(growth).toBeLessThan(1_000_000);
    }),
  );

  it(
    'and DISCONNECT in turns, without end, leaves nothing and is a flood',
    survives(async (attack) => {
      const client = await attack.socket();
      for (let round = 0; round < 20; round++)
        client.send(
          ...Array.from({ length: 500 }, (_, i) => [
            `40/rooms/${round}-${i},`,
            `41/rooms/${round}-${i},`,
          ]).flat(),
        );
      const packets = await client.rest();
      expect(packets.length).toBeLessThan(3_000);
      await attack.expectAlone();
    }),
  );

  it(
    'that waits for a guard is bounded, and forgotten when its client leaves',
    survives(
      async (attack) => {
        const clients = await Promise.all(Array.from({ length: 20 }, () => attack.socket()));
        for (const client of clients)
          client.send('40/guarded,', '40/guarded,', '42/guarded,["note","early"]');
        await until('guards to run', () => hanging > 0);
        await attack.expectServed();
        expect(hanging).toBeLessThanOrEqual(5);
        for (const client of clients) client.raw.tcp.destroy();
        await attack.expectAlone();
      },
      { gateways: [GuardedGateway], adapter: { limits: { maxPendingUpgrades: 5 } } },
    ),
  );

  it(
    'with a huge or hostile payload is refused or read as data',
    survives(async (attack) => {
      for (const auth of [
        `{"token":"${'x'.repeat(500_000)}"}`,
        '{"__proto__":{"polluted":1}}',
        '{"constructor":{"prototype":{"polluted":1}}}',
        '{"pid":{},"offset":[]}',
        '{"pid":"__proto__","offset":"constructor"}',
        `{"pid":"${'x'.repeat(10_000)}","offset":"1-0"}`,
        '{"token":{"toString":1}}',
        `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
      ]) {
        const client = await attack.socket();
        const answer = await client.join('/', auth);
        if (answer !== undefined) expect(answer).toMatch(/^4[04]\{/);
        client.raw.tcp.destroy();
      }
      expect({}).not.toHaveProperty('polluted');
      await attack.expectAlone();
    }),
  );
});
