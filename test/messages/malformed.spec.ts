import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { TestClient } from '../support/client.js';
import { underAttack } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';

@WebSocketGateway({ path: '/ws' })
class EchoGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
}

const attack = underAttack(EchoGateway);
const refusal = (code: string, ack?: string | number) => ({
  event: 'exception',
  data: { status: 'error', code, message: expect.any(String) },
  ...(ack === undefined ? {} : { ack }),
});

/** Expects that the next frame is this one. */
async function expectNext(client: TestClient, expected: object): Promise<void> {
  const from = client.frames.length;
  await client.until('an answer', () => client.frames.length > from);
  expect(client.frames[from]).toEqual(expected);
}

describe('malformed messages', () => {
  expectNoUnhandledErrors();

  const bad: [what: string, message: string, code: string, ack?: string | number][] = [
    ['an empty message', '', 'bad_frame'],
    ['text', 'hello', 'bad_frame'],
    ['half an object', '{"event":"echo"', 'bad_frame'],
    ['an object and more', '{"event":"echo"}{}', 'bad_frame'],
    ['single quotes', "{'event':'echo'}", 'bad_frame'],
    ['a comment', '{"event":"echo"/**/}', 'bad_frame'],
    ['a byte order mark', '\ufeff{"event":"echo"}', 'bad_frame'],
    ['NaN', '{"event":"echo","data":NaN}', 'bad_frame'],
    ['null', 'null', 'bad_frame'],
    ['true', 'true', 'bad_frame'],
    ['a number', '42', 'bad_frame'],
    ['a string', '"echo"', 'bad_frame'],
    ['an array', '["echo",1]', 'bad_frame'],
    ['an array of an envelope', '[{"event":"echo"}]', 'bad_frame'],
    ['a Socket.IO packet', '42["echo",1]', 'bad_frame'],
    ['100,000 brackets', '['.repeat(100_000), 'bad_frame'],
    ['no event', '{}', 'bad_event'],
    ['no event, but data', '{"data":1}', 'bad_event'],
    ['no event, but an id', '{"id":7,"data":1}', 'bad_event', 7],
    ['an empty event', '{"event":"","id":"i"}', 'bad_event', 'i'],
    ['an event that is null', '{"event":null}', 'bad_event'],
    ['an event that is a number', '{"event":1,"id":2}', 'bad_event', 2],
    ['an event that is true', '{"event":true}', 'bad_event'],
    ['an event that is a list', '{"event":["echo"]}', 'bad_event'],
    ['an event that is an object', '{"event":{"toString":"echo"}}', 'bad_event'],
    ['an event of 257 characters', JSON.stringify({ event: 'e'.repeat(257), id: 3 }), 'bad_event', 3],
    ['a huge event', JSON.stringify({ event: 'e'.repeat(900_000) }), 'bad_event'],
    ['a wrong event in an answer', '{"event":1,"ack":1}', 'bad_event'],
    ['meta that is a list', '{"event":"echo","meta":[]}', 'bad_frame'],
    ['meta that is null', '{"event":"echo","meta":null,"id":4}', 'bad_frame', 4],
    ['meta that is text', '{"event":"echo","meta":"x"}', 'bad_frame'],
    ['the event in __proto__', '{"__proto__":{"event":"echo"}}', 'bad_event'],
    ['the event in upper case', '{"EVENT":"echo"}', 'bad_event'],
  ];

  for (const [what, message, code, ack] of bad) {
    it(
      `${what} is refused`,
      attack(async (harness) => {
        const client = await harness.attacker();
        client.send(message);
        await expectNext(client, refusal(code, ack));
        expect(await client.ask('echo', 1, 'after')).toEqual({ event: 'echo', data: 1, ack: 'after' });
        expect(harness.server.counters.refusedMessages).toBe(1);
        expect(harness.app.log.of('error')).toEqual([]);
      }),
    );
  }

  it.each([
    ['a fraction', '1.5'],
    ['an unsafe integer', '9007199254740992'],
    ['infinite', '1e400'],
    ['empty', '""'],
    ['65 characters long', JSON.stringify('i'.repeat(65))],
    ['huge', JSON.stringify('i'.repeat(500_000))],
    ['an object', '{"id":1}'],
    ['a list', '[1]'],
    ['null', 'null'],
    ['false', 'false'],
  ])('an id that is %s is refused, as an ack as well', (_what, id) =>
    attack(async (harness) => {
      const client = await harness.attacker();
      client.send(`{"event":"echo","data":1,"id":${id}}`);
      await expectNext(client, refusal('bad_id'));
      client.send(`{"event":"echo","data":1,"ack":${id}}`);
      await expectNext(client, refusal('bad_id'));
      client.send(`{"ack":${id},"id":5}`);
      await expectNext(client, refusal('bad_id', 5));
    })(),
  );

  it.each([
    0,
    -1,
    -0,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    'i'.repeat(64),
    ' ',
    '\u0000',
    '__proto__',
    '\ud83d',
  ])('an id of %j is accepted, and returned unchanged', (id) =>
    attack(async (harness) => {
      const client = await harness.attacker();
      client.send({ event: 'echo', data: 'd', id });
      await client.settled();
      expect(client.frames.filter(({ event }) => event === 'echo')).toEqual([
        { event: 'echo', data: 'd', ack: id === 0 ? 0 : id },
      ]);
    })(),
  );

  it(
    'the tenth malformed message in a row closes with 1008, and later messages are not handled',
    attack(async (harness) => {
      const client = await harness.attacker();
      for (let i = 0; i < 30; i++) client.send('{');
      client.send({ event: 'echo', data: 'never' });
      expect(await client.ended()).toEqual({ code: 1008, reason: 'too many malformed messages' });
      expect(client.frames).toEqual(Array.from({ length: 10 }, () => refusal('bad_frame')));
      expect(harness.server.counters.refusedMessages).toBe(10);
    }),
  );

  it.each([
    ['an event', { event: 'echo' }],
    ['an unknown event', { event: 'unknown' }],
    ['$ping', { event: '$ping' }],
  ])('%s in between restarts the count', (_what, good) =>
    attack(async (harness) => {
      const client = await harness.attacker();
      for (let round = 0; round < 5; round++) {
        for (let i = 0; i < 9; i++) client.send('{');
        client.send(good);
      }
      await client.settled();
      expect(client.frames.filter(({ data }) => data?.code === 'bad_frame')).toHaveLength(45);
      expect(client.closed).toBeUndefined();
    })(),
  );

  it(
    'answers to no request do not restart the count',
    attack(async (harness) => {
      const client = await harness.attacker();
      for (let i = 0; i < 10; i++) {
        client.send('{');
        client.send({ ack: 1 });
      }
      expect((await client.ended()).code).toBe(1008);
    }),
  );

  it(
    'binary messages are read as UTF-8 JSON',
    attack(async (harness) => {
      const client = await harness.attacker();
      client.ws.send(Buffer.from('{"event":"echo","data":"ü€😀","id":1}'));
      expect(await client.answer(1)).toEqual({ event: 'echo', data: 'ü€😀', ack: 1 });
      const broken = [
        Buffer.from([0xff, 0xfe]),
        Buffer.from('{"event":"echo","data":"\xc3"}', 'latin1'),
        Buffer.concat([
          Buffer.from('{"event":"echo","data":"'),
          Buffer.from([0xed, 0xa0, 0x80]),
          Buffer.from('"}'),
        ]),
        Buffer.from('{"event":"echo"}', 'utf16le'),
        Buffer.alloc(0),
        Buffer.alloc(500_000),
      ];
      for (const bytes of broken) {
        client.ws.send(bytes);
        await expectNext(client, refusal('bad_frame'));
      }
    }),
  );

  it(
    'a thousand unknown events are each answered, and never close the connection',
    attack(async (harness) => {
      const client = await harness.attacker();
      for (let i = 0; i < 1_000; i++) client.send({ event: `unknown-${i}`, data: 'secret', id: i });
      await client.settled();
      expect(client.closed).toBeUndefined();
      expect(client.frames.slice(0, 1_000)).toEqual(
        Array.from({ length: 1_000 }, (_, i) => refusal('unknown_event', i)),
      );
      expect(JSON.stringify(client.frames)).not.toContain('secret');
    }),
  );
});
