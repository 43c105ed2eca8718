import type { TestClient } from '../../support/client.js';
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

/** Declares the checks of PROTOCOL.md, "Exceptions". */
export function declareExceptionChecks(server: Server): void {
  let client: TestClient;
  beforeEach(async () => {
    client = await server.open();
  });

  it('carry the reason of the application, and the cause', async () => {
    const cause = { pattern: 'fail', data: 'no such room' };
    const data = { status: 'error', message: 'no such room', cause };
    expect(await client.ask('fail', 'no such room', 3)).toEqual({ event: 'exception', data, ack: 3 });
    client.send({ event: 'fail', data: 'no such room' });
    expect(await client.next('exception')).toEqual({ event: 'exception', data });
  });

  it('carry an HTTP-style refusal', async () => {
    const { event, data } = await client.ask('forbid', 'not you');
    expect(event).toBe('exception');
    expect(data).toMatchObject({ status: 'error', statusCode: 403, message: 'not you' });
  });

  it('do not contain internal errors', async () => {
    const { event, data } = await client.ask('break', 'x');
    expect(event).toBe('exception');
    expect(data).toMatchObject({ status: 'error', message: 'Internal server error' });
    expect(JSON.stringify(data)).not.toContain('secret');
  });

  it('end a stream that fails', async () => {
    client.send({ event: 'fail', data: 'no', id: 1, stream: true });
    expect(await client.answer(1)).toMatchObject({ event: 'exception', ack: 1 });
    await client.settled();
    expect(unsolicited(client)).toHaveLength(1);
  });

  describe.each(MALFORMED)('%s', (code, what, texts) => {
    it(`refuses ${what} with its id, without quoting it, and keeps the connection open`, async () => {
      for (const text of texts) {
        client.send(text as string);
        const { data, ...rest } = await client.next('exception');
        const hasId = String(text).endsWith('"id":9}');
        expect(rest).toEqual({ event: 'exception', ...(hasId && { ack: 9 }) });
        expect(data).toEqual({ status: 'error', code, message: expect.any(String) });
        expect(data.message).not.toContain('secret');
        expect((await client.ask('echo', text.length)).data).toBe(text.length);
      }
    });

    it(`closes with 1008 after ten consecutive messages: ${what}`, async () => {
      for (let times = 0; times < 9; times++) client.send(texts[times % texts.length] as string);
      await client.ask('echo', 1);
      for (let times = 0; times < 9; times++) client.send(texts[times % texts.length] as string);
      await client.settled();
      for (let times = 0; times < 10; times++) client.send(texts[times % texts.length] as string);
      expect((await client.ended()).code).toBe(1008);
      const refusals = client.frames.filter(({ event }) => event === 'exception');
      expect(refusals).toHaveLength(28);
    });
  });

  it('room_limit: refuses too many rooms, and too long names', async () => {
    const strict = await server.open('/strict');
    for (const room of ['one', 'two']) expect((await strict.ask('join', room)).event).toBe('join');
    for (const room of ['three', 'x'.repeat(257)]) {
      const { event, data } = await strict.ask('join', room);
      expect(event).toBe('exception');
      expect(data).toMatchObject({ status: 'error', code: 'room_limit' });
    }
    expect((await strict.ask('echo', 1)).data).toBe(1);
  });

  it('rate_limited: refuses messages over the rate, and closes with 1008 when a client continues', async () => {
    const strict = await server.open('/strict');
    for (let id = 1; id <= 20; id++) expect((await strict.ask('echo', id, id)).data).toBe(id);
    const { event, data } = await strict.ask('echo', 'secret', 21);
    expect([event, data]).toEqual([
      'exception',
      { status: 'error', code: 'rate_limited', message: expect.any(String) },
    ]);
    expect(data.message).not.toContain('secret');
    for (let times = 0; times < 2_000; times++) strict.send({ event: 'echo' });
    expect((await strict.ended()).code).toBe(1008);
    const refused = strict.frames.filter((frame) => frame.event === 'exception');
    expect(refused.length).toBeGreaterThanOrEqual(100);
  });
}
