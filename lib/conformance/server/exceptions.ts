import type { BareClient } from '../bare-client.js';
import { atLeast, equal, isText, matches } from '../compare.js';
import type { Suite } from '../suite.js';
import { unsolicited, type Server } from './server.js';

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const notUtf8 = Buffer.from([0x22, 0xff, 0xfe, 0x22]);
const long = 'x'.repeat(257);

/** Malformed messages. Those with the `id` 9 are refused with `ack`. */
const MALFORMED: [string, string, (string | Buffer)[]][] = [
  ['bad_frame', 'invalid JSON', ['', 'secret', '{"event":"echo"', "{'event':'echo'}", notUtf8]],
  [
    'bad_frame',
    'a value that is not an object',
    ['1', '"secret"', 'null', 'true', '[]', '[{"event":"echo"}]'],
  ],
  [
    'bad_frame',
    'an invalid meta',
    ['{"event":"echo","meta":1,"id":9}', '{"event":"echo","meta":null}', '{"event":"echo","meta":[]}'],
  ],
  [
    'bad_frame',
    'an $auth without credentials',
    ['{"event":"$auth","id":9}', '{"event":"$auth","data":"secret"}', '{"event":"$auth","meta":{"token":1}}'],
  ],
  ['bad_event', 'a message without an event', ['{}', '{"data":"secret"}', '{"data":"secret","id":9}']],
  [
    'bad_event',
    'an invalid event',
    [
      '{"event":""}',
      '{"event":1,"id":9}',
      '{"event":null}',
      `{"event":"${long}","id":9}`,
      '{"event":["echo"]}',
      `{"event":"${'𝄞'.repeat(129)}"}`,
    ],
  ],
  [
    'bad_id',
    'an invalid id',
    [
      'null',
      '""',
      '1.5',
      '9007199254740992',
      'true',
      '{}',
      '[]',
      `"${long.slice(0, 65)}"`,
      `"${'𝄞'.repeat(33)}"`,
    ].map((id) => `{"event":"echo","data":"secret","id":${id}}`),
  ],
  [
    'bad_id',
    'an invalid ack',
    ['null', '""', '1.5', '{}'].map((ack) => `{"event":"echo","data":"secret","ack":${ack}}`),
  ],
  ['bad_id', 'an invalid ack beside an id', ['{"event":"echo","ack":[],"id":9}']],
  [
    'bad_id',
    'both an id and an ack',
    [
      '{"event":"echo","data":"secret","ack":1,"id":9}',
      '{"ack":"secret","id":9}',
      '{"ack":9,"more":true,"id":9}',
    ],
  ],
  [
    'reserved_event',
    'a name of the protocol',
    ['$session', '$offset', '$', '$new'].map((event) => `{"event":"${event}","data":"secret","id":9}`),
  ],
  [
    'reserved_event',
    'a reserved name',
    [
      'connect',
      'connection',
      'connect_error',
      'disconnect',
      'disconnecting',
      'newListener',
      'removeListener',
    ].map((event) => `{"event":"${event}","data":"secret","id":9}`),
  ],
  [
    'reserved_event',
    'an exception without ack',
    ['{"event":"exception","data":"secret"}', '{"event":"exception","id":9}'],
  ],
  ['too_deep', 'data that is nested too deep', [`{"event":"echo","data":${nested(50_000)},"id":9}`]],
];

/** Further rules that the refusal of a kind of messages checks. */
const RULES: Readonly<Record<string, string>> = { reserved_event: ', 14.1', too_deep: ', 6.2' };

/** Several reasons to refuse a message: the first one counts. */
const PRECEDENCE: [string, string, string][] = [
  ['an invalid id before an invalid event', 'bad_id', '{"event":1,"id":null}'],
  ['an invalid event before an invalid meta', 'bad_event', '{"event":1,"meta":1,"id":9}'],
  [
    'an invalid meta before the nesting',
    'bad_frame',
    `{"event":"echo","meta":1,"data":${nested(50_000)},"id":9}`,
  ],
  ['the nesting before a reserved name', 'too_deep', `{"event":"connect","data":${nested(50_000)},"id":9}`],
];

/** Declares the checks of PROTOCOL.md, "Exceptions". */
export function declareExceptionChecks({ describe, it, beforeEach }: Suite, server: Server): void {
  let client: BareClient;
  beforeEach(async () => {
    client = await server.open();
  });

  it('carry the reason of the application, and the cause (11.2)', async () => {
    const cause = { pattern: 'fail', data: 'no such room' };
    const data = { status: 'error', message: 'no such room', cause };
    equal(await client.ask('fail', 'no such room', 3), { event: 'exception', data, ack: 3 });
    client.send({ event: 'fail', data: 'no such room' });
    equal(await client.next('exception'), { event: 'exception', data });
  });

  it('carry an HTTP-style refusal (11.2)', async () => {
    const { event, data } = await client.ask('forbid', 'not you');
    equal(event, 'exception');
    matches(data, { status: 'error', statusCode: 403, message: 'not you' });
  });

  it('do not contain internal errors (11.2)', async () => {
    const { event, data } = await client.ask('break', 'x');
    equal(event, 'exception');
    matches(data, { status: 'error', message: 'Internal server error' });
    equal(JSON.stringify(data).includes('secret'), false);
  });

  it('end a stream that fails (11.1)', async () => {
    client.send({ event: 'fail', data: 'no', id: 1, stream: true });
    matches(await client.answer(1), { event: 'exception', ack: 1 });
    await client.settled();
    equal(unsolicited(client).length, 1);
  });

  describe.each(MALFORMED)('%s', (code, what, texts) => {
    it(`refuses ${what} with its id, without quoting it, and keeps the connection open (11.2, 11.3, 11.4${RULES[code] ?? ''})`, async () => {
      for (const text of texts) {
        client.send(text as string);
        const { data, ...rest } = await client.next('exception');
        const hasId = String(text).endsWith('"id":9}');
        equal(rest, { event: 'exception', ...(hasId && { ack: 9 }) });
        equal(data, { status: 'error', code, message: isText });
        equal(data.message.includes('secret'), false);
        equal((await client.ask('echo', text.length)).data, text.length);
      }
    });

    it(`closes with 1008 after ten consecutive messages: ${what} (11.6)`, async () => {
      for (let times = 0; times < 9; times++) client.send(texts[times % texts.length] as string);
      await client.ask('echo', 1);
      for (let times = 0; times < 9; times++) client.send(texts[times % texts.length] as string);
      await client.settled();
      for (let times = 0; times < 10; times++) client.send(texts[times % texts.length] as string);
      equal((await client.ended()).code, 1008);
      const refusals = client.frames.filter(({ event }) => event === 'exception');
      equal(refusals.length, 28);
    });
  });

  it.each(PRECEDENCE)('name the first of several reasons: %s (11.5)', async (_, code, text) => {
    client.send(text);
    matches(await client.next('exception'), { data: { code } });
  });

  it('room_limit: refuses too many rooms, and too long names (11.3)', async () => {
    const strict = await server.open('/strict');
    for (const room of ['one', 'two']) equal((await strict.ask('join', room)).event, 'join');
    for (const room of ['three', 'x'.repeat(257)]) {
      const { event, data } = await strict.ask('join', room);
      equal(event, 'exception');
      matches(data, { status: 'error', code: 'room_limit' });
    }
    equal((await strict.ask('echo', 1)).data, 1);
  });

  it('rate_limited: refuses messages over the rate, and closes with 1008 when a client continues (11.2, 11.3, 11.7)', async () => {
    const strict = await server.open('/strict');
    for (let id = 1; id <= 20; id++) equal((await strict.ask('echo', id, id)).data, id);
    const { event, data } = await strict.ask('echo', 'secret', 21);
    equal([event, data], ['exception', { status: 'error', code: 'rate_limited', message: isText }]);
    equal(data.message.includes('secret'), false);
    for (let times = 0; times < 2_000; times++) strict.send({ event: 'echo' });
    equal((await strict.ended()).code, 1008);
    const refused = strict.frames.filter((frame) => frame.event === 'exception');
    atLeast(refused.length, 100);
  });
}
