import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { leastGrowth } from '../support/heap.js';
import { OP } from '../support/raw-client.js';
import { until } from '../support/wait.js';
import { survives, type IoAttack } from './attack.js';
import { describeOurs } from './fixture.js';
import type { SocketClient } from './raw-engine.js';

const own = Object.getOwnPropertyNames(Object.prototype).length;

/** A client that has joined the root, with the number of its last request. */
async function joined(attack: IoAttack): Promise<SocketClient> {
  const client = await attack.socket();
  expect(await client.join()).toMatch(/^40\{"sid":"/);
  return client;
}

/** Expects that the client is still connected, and everything before was handled. */
async function expectOpen(client: SocketClient): Promise<void> {
  client.send('4299["echo","still here"]');
  for (let packet = await client.next(); packet !== '4399["still here"]'; packet = await client.next())
    if (packet === undefined) throw new Error('the connection has ended');
}

describeOurs('attachments', () => {
  expectNoUnhandledErrors();
  afterEach(() => {
    expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(own);
  });

  it.each([
    ['too many', ['4511-["note"]']],
    ['a number without an end', [`45${'9'.repeat(100_000)}-["note"]`]],
    ['none', ['450-["note"]']],
    ['bytes without a text', [Buffer.from('a')]],
    ['a text in their place', ['452-["note"]', Buffer.from('a'), '42["note",1]']],
    ['a second head', ['451-["note"]', '451-["note"]']],
    ['a placeholder out of range', ['451-["note",{"_placeholder":true,"num":1}]', Buffer.from('a')]],
    ['a negative one', ['451-["note",{"_placeholder":true,"num":-1}]', Buffer.from('a')]],
    ['the name of a member', ['451-["note",{"_placeholder":true,"num":"length"}]', Buffer.from('a')]],
    [
      'one attachment a thousand times',
      [`451-["note",[${Array(1_000).fill('{"_placeholder":true,"num":0}').join()}]]`, Buffer.alloc(1_000)],
    ],
    ['a placeholder as the event', ['451-[{"_placeholder":true,"num":0}]', Buffer.from('note')]],
    ['an acknowledgement that nobody asked for, malformed', ['461-["a"]', Buffer.from('a')]],
  ])('end the connection: %s', (_, packets) =>
    survives(async (attack) => {
      const client = await joined(attack);
      client.send(...packets);
      await client.rest();
      await attack.expectAlone();
      expect(attack.root.received).toEqual([]);
    })(),
  );

  it(
    'count together against maxPayload, with their text',
    survives(
      async (attack) => {
        const placeholders = Array.from({ length: 5 }, (_, num) => `{"_placeholder":true,"num":${num}}`);
        const head = `455-["note",${placeholders.join()}]`;
        const growth = await leastGrowth(async () => {
          for (let i = 0; i < 5; i++) {
            const client = await joined(attack);
            client.send(head, ...Array.from({ length: 5 }, () => Buffer.alloc(90_000)));
            await client.rest();
            await client.leave();
            attack.forget();
          }
        });
        expect(attack.root.received).toEqual([]);
        // less than one attachment of each client
        expect(growth).toBeLessThan(300_000);
      },
      { adapter: { limits: { maxPayload: 100_000 } } },
    ),
  );

  it(
    'that never come keep a packet no longer than the heartbeat allows',
    survives(
      async (attack) => {
        const client = await joined(attack);
        client.send('4510-["note"]', ...Array.from({ length: 9 }, () => Buffer.alloc(1_000)));
        // it answers neither pings nor the close frame
        await until('the connection to end', () => client.raw.isClosed);
        await attack.expectAlone();
        expect(attack.root.received).toEqual([]);
      },
      { adapter: { pingInterval: 100, pingTimeout: 1_000 } },
    ),
  );

  it(
    'are data where the packet has none, and pollute nothing',
    survives(async (attack) => {
      const client = await joined(attack);
      client.send('421["echo",{"_placeholder":true,"num":0}]');
      expect(await client.next()).toBe('431[{"_placeholder":true,"num":0}]');
      client.send('422["echo",{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}]');
      expect(await client.next()).toBe(
        '432[{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}]',
      );
      client.send('451-3["echo",{"__proto__":{"_placeholder":true,"num":0}}]', Buffer.from('a'));
      expect(await client.next()).toBe('461-3[{"__proto__":{"_placeholder":true,"num":0}}]');
      expect((await client.raw.frame()).opcode).toBe(OP.binary);
      expect({}).not.toHaveProperty('polluted');
    }),
  );
});

describeOurs('a packet of Socket.IO', () => {
  expectNoUnhandledErrors();

  it.each([
    ...[
      '4',
      '4x',
      '47',
      '48["a"]',
      '42',
      '42{}',
      '42[',
      '42[]',
      '42[null]',
      '42[{}]',
      '42["note"]x',
      '43[]',
      '43{}',
    ],
    ...[
      '42["connect"]',
      '42["disconnect"]',
      '42["newListener"]',
      '4299999999999999999999["note"]',
      '42/',
      '42//,',
    ],
    ...['44{"message":"no"}', '40[', '40"token"', '40[1]', `42/${'x'.repeat(100_000)},["note"]`],
  ])('that is malformed ends the connection, or is ignored: %s', (packet) =>
    survives(async (attack) => {
      const client = await joined(attack);
      client.send(packet);
      client.send('4299["echo","last"]');
      for (
        let next = await client.next();
        next !== undefined && next !== '4399["last"]';
        next = await client.next()
      );
      client.raw.tcp.destroy();
      await attack.expectAlone();
      expect(attack.root.received).toEqual([]);
    })(),
  );

  it(
    'may have any name for an event, but never reaches what the connection emits',
    survives(async (attack) => {
      const client = await joined(attack);
      const names = [
        '__proto__',
        'constructor',
        'toString',
        'hasOwnProperty',
        'error',
        'close',
        'message',
        'data',
      ];
      for (const name of [...names, 'drain', 'packet', '$cancel', '$session', 'exception', 'end', ''])
        client.send(`42["${name}",{"a":1}]`, `421["${name}",{"a":1}]`);
      await expectOpen(client);
    }),
  );

  it(
    'may be nested deep, or be broad, but is refused',
    survives(async (attack) => {
      const client = await joined(attack);
      client.send(`42["note",${'['.repeat(100_000)}${']'.repeat(100_000)}]`);
      client.send(`42["note",${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}]`);
      client.send(`42["${'x'.repeat(1_000)}"]`);
      await expectOpen(client);
      expect(attack.root.received).toEqual([]);
    }),
  );

  it(
    'that answers what nobody asked is ignored',
    survives(async (attack) => {
      const client = await joined(attack);
      for (const id of [0, 1, 2, 999_999, Number.MAX_SAFE_INTEGER]) client.send(`43${id}["forged"]`);
      await expectOpen(client);
    }),
  );

  it(
    'before CONNECT, or for a namespace that was not joined, reaches no handler',
    survives(async (attack) => {
      const early = await attack.socket();
      early.send('42["note","early"]');
      await early.rest();
      const client = await joined(attack);
      // a message may cross the end of a namespace
      client.send('42/chat,["note","not joined"]');
      await expectOpen(client);
      expect([...attack.root.received, ...attack.chat.received]).toEqual([]);
    }),
  );

  it(
    'in floods is refused, then ends the connection',
    survives(async (attack) => {
      const client = await joined(attack);
      for (let sent = 0; sent < 100; sent++)
        client.send(...Array.from({ length: 200 }, () => '42["note",1]'));
      await client.rest();
      expect(attack.root.received.length).toBeLessThan(1_500);
      await attack.expectAlone();
    }),
  );
});
