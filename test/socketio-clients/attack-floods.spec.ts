import { UseGuards, type CanActivate } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { leastGrowth } from '../support/heap.js';
import { OP, RawClient, type FrameSpec } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';
import { AttackedGateway, survives, type IoAttack } from './attack.js';
import { describeOurs } from './fixture.js';
import { ask, send } from './raw-engine.js';

const UPGRADE = '/socket.io/?EIO=4&transport=websocket';

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

describeOurs('floods of sessions', () => {
  expectNoUnhandledErrors();
  beforeEach(() => {
    hanging = 0;
  });

  it(
    'are bounded for each address, on both transports together, and counts come back',
    survives(
      async (attack) => {
        const clients = [await attack.polling(), await attack.socket(), await attack.polling()];
        // the two that take no part count, too
        const polling = await ask(attack.port);
        expect([polling.status, polling.headers['retry-after']]).toEqual([429, '5']);
        expect((await requestUpgrade(attack.port, UPGRADE)).status).toBe(429);
        for (const client of clients) await client.leave();
        await attack.expectAlone();
        await attack.polling();
      },
      { adapter: { limits: { maxConnectionsPerAddress: 5 } } },
    ),
  );

  it(
    'count as long as their TCP connection lives, also after they have broken the protocol',
    survives(
      async (attack) => {
        const client = await attack.socket();
        client.send('4x');
        // the server closes the session; the client does not answer
        expect(await client.next()).toBeUndefined();
        expect((await ask(attack.port)).status).toBe(429);
        await client.leave();
        await attack.expectAlone();
      },
      { adapter: { limits: { maxConnectionsPerAddress: 3 } } },
    ),
  );

  it(
    'that nobody uses are forgotten',
    survives(
      async (attack) => {
        for (let i = 0; i < 50; i++) {
          const { request } = send(attack.port);
          request.on('error', () => undefined);
          await new Promise((resolve) => request.once('finish', resolve));
          request.destroy();
        }
        await attack.expectServed();
        await attack.expectAlone();
      },
      { adapter: { connectTimeout: 1_000 } },
    ),
  );

  it(
    'leave no memory behind',
    survives(async (attack) => {
      const round = async (): Promise<void> => {
        const polling = await attack.polling();
        await polling.join('/chat');
        await polling.post('420["note"]', '42/chat,["note"]');
        const socket = await attack.socket();
        await socket.join();
        socket.send('42["note"]');
        await Promise.all([polling.leave(), socket.leave()]);
        attack.forget();
      };
      const growth = await leastGrowth(async () => {
        for (let i = 0; i < 30; i++) await round();
        await attack.expectAlone();
        attack.root.received.length = 0;
        attack.chat.received.length = 0;
      });
      // 5 kB a round
      expect(growth).toBeLessThan(150_000);
    }),
  );

  it(
    'run no more guards than may be pending, if they leave at once and come again',
    survives(
      async (attack) => {
        const client = await attack.socket();
        await client.join();
        for (let i = 0; i < 300; i++) client.send('40/guarded,', '41/guarded,');
        client.send('4299["echo",1]');
        for (let packet = await client.next(); packet !== '4399[1]'; packet = await client.next());
        expect(hanging).toBeGreaterThan(0);
        expect(hanging).toBeLessThanOrEqual(10);
        await client.leave();
      },
      { gateways: [GuardedGateway], adapter: { limits: { maxPendingUpgrades: 10, upgradeTimeout: 300 } } },
    ),
  );
});

describeOurs('frames of a WebSocket', () => {
  expectNoUnhandledErrors();

  /** Expects that frames close the connection with a code, before and after CONNECT. */
  async function expectClosed(attack: IoAttack, code: number, ...frames: FrameSpec[]): Promise<void> {
    for (const joins of [false, true]) {
      const client = await attack.socket();
      if (joins) await client.join();
      client.raw.send(...frames);
      expect([joins, (await client.raw.close()).code]).toEqual([joins, code]);
      await client.leave();
    }
    await attack.expectAlone();
  }

  it.each<[string, number, FrameSpec[]]>([
    ['over maxPayload', 1009, [{ opcode: OP.text, payload: `42["note","${'x'.repeat(20_000)}"]` }]],
    ['announced over maxPayload', 1009, [{ opcode: OP.text, payload: '42', claimedLength: 1_000_000_000 }]],
    ['over maxPayload as bytes', 1009, [{ opcode: OP.binary, payload: Buffer.alloc(20_000) }]],
    [
      'over maxPayload in fragments',
      1009,
      [
        { opcode: OP.text, payload: '4'.repeat(9_000), fin: false },
        { opcode: OP.continuation, payload: '4'.repeat(9_000) },
      ],
    ],
    [
      'in too many fragments',
      1008,
      [
        { opcode: OP.text, payload: '4', fin: false },
        ...Array.from({ length: 200 }, () => ({ opcode: OP.continuation, payload: '', fin: false })),
      ],
    ],
    ['without a mask', 1002, [{ opcode: OP.text, payload: '42["note"]', mask: false }]],
    ['with a reserved bit: compressed, without deflate', 1002, [{ opcode: OP.text, payload: 'x', rsv: 4 }]],
    ['with a reserved opcode', 1002, [{ opcode: 3, payload: 'x' }]],
    ['that are no UTF-8', 1007, [{ opcode: OP.text, payload: Buffer.from([0x34, 0x32, 0xff]) }]],
  ])('have the close code of the RFC: %s', (_, code, frames) =>
    survives((attack) => expectClosed(attack, code, ...frames), {
      adapter: { limits: { maxPayload: 10_000, maxFragments: 100 } },
    })(),
  );

  it(
    'are never compressed by default',
    survives(async (attack) => {
      const client = await RawClient.connect(attack.port, UPGRADE, {
        'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
      });
      expect(client.head).not.toMatch(/extensions/i);
      client.tcp.destroy();
      const polling = await attack.polling({ 'Accept-Encoding': 'gzip, deflate' });
      await polling.join('/chat');
      attack.chat.server.emit('news', 'x'.repeat(100_000));
      const { headers } = await polling.ask();
      expect(headers['content-encoding']).toBeUndefined();
    }),
  );

  it.each([
    ['pongs of the engine', () => ({ opcode: OP.text, payload: '3' })],
    ['empty packets of the engine', () => ({ opcode: OP.text, payload: '6' })],
    ['pings of the engine', () => ({ opcode: OP.text, payload: '2' })],
    ['pings of the WebSocket', () => ({ opcode: OP.ping, payload: 'x' })],
    ['pongs of the WebSocket', () => ({ opcode: OP.pong, payload: 'x' })],
    ['attachments of packets', (i: number) => attachmentPacket(i)],
    ['DISCONNECT', () => ({ opcode: OP.text, payload: '41/chat,' })],
    ['answers', () => ({ opcode: OP.text, payload: '430[]' })],
  ])('in floods end the connection: %s', (_, frame) =>
    survives(async (attack) => {
      const client = await attack.socket();
      await client.join();
      for (let round = 0; round < 50 && !client.raw.isClosed; round++)
        client.raw.send(...Array.from({ length: 100 }, (__, i) => frame(i)));
      await until(
        'the end',
        async () => (await client.raw.frameOrEnd())?.opcode === OP.close || client.raw.isClosed,
      );
      await client.leave();
      await attack.expectAlone();
      expect(attack.root.received.length).toBeLessThan(1_500);
    })(),
  );
});

describeOurs('packets of the engine', () => {
  expectNoUnhandledErrors();

  it(
    'in floods end the connection while a ping is open, too',
    survives(
      async (attack) => {
        const client = await attack.socket();
        await client.join();
        expect(await client.raw.message()).toBe('2');
        client.raw.send(...Array.from({ length: 3_000 }, () => ({ opcode: OP.text, payload: '6' })));
        expect((await client.raw.frame()).opcode).toBe(OP.close);
        await client.leave();
        await attack.expectAlone();
      },
      { adapter: { pingInterval: 300, pingTimeout: 20_000 } },
    ),
  );

  it(
    'by the thousand in one POST end the session',
    survives(async (attack) => {
      const client = await attack.polling();
      await client.join();
      await client.post(...Array.from({ length: 50_000 }, () => '6'));
      await until('the session to end', () => client.isGone());
      await attack.expectAlone();
    }),
  );

  it(
    'that refuse CONNECT count as bytes that wait',
    survives(
      async (attack) => {
        const client = await attack.polling();
        await client.join();
        for (let i = 0; i < 5; i++)
          await client.post(...Array.from({ length: 100 }, () => `40/${'x'.repeat(900)},`));
        // it has some time for a last poll
        await until('the session to end', () => client.isGone());
        await attack.expectAlone();
      },
      { adapter: { limits: { maxBufferedBytes: 200_000 } } },
    ),
  );
});

/** Returns a packet with an attachment, frame by frame. */
function attachmentPacket(i: number): FrameSpec {
  return i % 2 === 0
    ? { opcode: OP.text, payload: '451-["note",{"_placeholder":true,"num":0}]' }
    : { opcode: OP.binary, payload: 'x' };
}
