import type { BareClient, Received } from '../bare-client.js';
import { equal, isText, matches } from '../compare.js';
import type { Suite } from '../suite.js';
import { until } from '../until.js';
import { FIELDS, unsolicited, type Server } from './server.js';

/** Declares the checks of PROTOCOL.md, sections 5 to 9. */
export function declareMessageChecks({ describe, it, beforeEach }: Suite, server: Server): void {
  let client: BareClient;
  beforeEach(async () => {
    client = await server.open();
  });

  /** Expects that `count` messages arrived in all, and no more. */
  const expectCount = async (count: number): Promise<void> => {
    await client.settled();
    equal(unsolicited(client).length, count);
  };

  it('are read from binary messages, too, and unknown fields are ignored (5.1, 5.2)', async () => {
    const message = { event: 'echo', data: 'ü', id: 1, color: 'red', offset: 7, more: 'x' };
    client.ws.send(Buffer.from(JSON.stringify(message)));
    equal(await client.answer(1), { event: 'echo', data: 'ü', ack: 1 });
    client.send({ ...message, id: 2 });
    equal(await client.answer(2), { event: 'echo', data: 'ü', ack: 2 });
    for (const frame of client.frames)
      equal(
        Object.keys(frame).filter((name) => !FIELDS.includes(name)),
        [],
      );
  });

  it('are read in fragments, with pings between (2.7)', async () => {
    const bytes = Buffer.from(JSON.stringify({ event: 'echo', data: 'ü€𝄞', id: 1 }));
    // in the middle of a character
    const [first, second] = [bytes.indexOf('€') + 1, bytes.length - 3];
    client.ws.send(bytes.subarray(0, first), { binary: false, fin: false });
    client.ws.ping('now');
    client.ws.send(bytes.subarray(first, second), { binary: false, fin: false });
    client.ws.send(bytes.subarray(second), { binary: false, fin: true });
    equal((await client.answer(1)).data, 'ü€𝄞');
  });

  it('with a kind and an event are events (20.1)', async () => {
    client.send({ kind: 'message', pattern: 'x', event: 'echo', data: 1, id: 1 });
    equal(await client.answer(1), { event: 'echo', data: 1, ack: 1 });
  });

  it('with only a kind are answered, by servers with and without microservices (20.1, 20.4)', async () => {
    client.send({ kind: 'message', pattern: 'unknown pattern', id: 9 });
    const find = (): Received | undefined => client.frames.find(({ ack, id }) => ack === 9 || id === 9);
    await client.until('the answer', () => find() !== undefined);
    if (find()!.ack === 9) matches(find(), { event: 'exception', data: { code: 'bad_event' } });
    else matches(find(), { kind: 'error', pattern: 'unknown pattern' });
  });

  it('may have event names of up to 256 characters (5.2, 5.3)', async () => {
    for (const event of ['x'.repeat(256), '𝄞'.repeat(128)])
      matches((await client.ask(event)).data, { code: 'unknown_event' });
  });

  it('carry any JSON value as data (6.1)', async () => {
    for (const data of [null, 0, '', false, [], {}, { a: [{ b: null }] }, 'ü€𝄞\u2028', 1e21])
      equal(await client.ask('echo', data, 'x'), { event: 'echo', data, ack: 'x' });
  });

  it('are answered with the same id (5.2, 5.3)', async () => {
    const ids = [
      0,
      1,
      -1,
      Number.MAX_SAFE_INTEGER,
      -Number.MAX_SAFE_INTEGER,
      '1',
      ' ',
      'x'.repeat(64),
      '€',
      '__proto__',
      // 64 UTF-16 code units
      '𝄞'.repeat(32),
    ];
    for (const id of ids) equal((await client.ask('echo', 1, id)).ack, id);
  });

  it('distinguish the ids 1 and "1" (5.3)', async () => {
    client.send({ event: 'hold', id: 1 });
    client.send({ event: 'hold', id: '1' });
    await client.settled();
    // releases the last one first
    client.send({ event: 'release', data: 'text' });
    matches(await client.answer('1'), { data: 'text' });
    client.send({ event: 'release', data: 'number' });
    matches(await client.answer(1), { data: 'number' });
    await expectCount(2);
  });

  it('close with 4409 when they reuse an id that is in flight, but not an answered one (5.5)', async () => {
    await client.ask('echo', 1, 'again');
    await client.ask('echo', 1, 'again');
    client.send({ event: 'never', id: 'x' });
    client.send({ event: 'echo', id: 'x' });
    equal((await client.ended()).code, 4409);
  });

  it('may have any field in meta, and any name twice: the last one counts (5.8, 5.9)', async () => {
    client.send('{"event":"nothing","meta":{"color":"red"},"data":1,"data":2,"id":1,"event":"echo"}');
    equal(await client.answer(1), { event: 'echo', data: 2, ack: 1 });
  });

  it('may have the names of events that listeners know from elsewhere (14.3)', async () => {
    for (const event of ['error', 'message', 'close', 'open', 'constructor', 'Connect'])
      matches((await client.ask(event)).data, { code: 'unknown_event' });
  });

  it('may be nested as deep as $session says (6.2)', async () => {
    const { client: own, session } = await server.openV1();
    // the message itself is the first level
    const levels = session.maxJsonDepth === 0 ? 1_000 : session.maxJsonDepth - 1;
    own.send(`{"event":"nothing","data":${'['.repeat(levels)}${']'.repeat(levels)},"id":1}`);
    equal(await own.answer(1), { event: 'nothing', ack: 1 });
  });

  it('keep their order in both directions (5.7)', async () => {
    const numbers = Array.from({ length: 100 }, (_, number) => number);
    for (const number of numbers) client.send({ event: 'tell', data: number });
    const told: unknown[] = [];
    for (const _ of numbers) told.push((await client.next('told')).data);
    equal(told, numbers);
  });

  describe('events', () => {
    it('are answered with the result, under the same or another name (7.1)', async () => {
      client.send({ event: 'echo', data: 1 });
      equal(await client.next('echo'), { event: 'echo', data: 1 });
      client.send({ event: 'rename', data: 2 });
      equal(await client.next('renamed'), { event: 'renamed', data: 2 });
      await expectCount(2);
    });

    it('are answered with each value of a source (7.1)', async () => {
      client.send({ event: 'count', data: 3 });
      for (const data of [0, 1, 2]) equal(await client.next('count'), { event: 'count', data });
      await expectCount(3);
    });

    it('are not answered for null or no result (7.2)', async () => {
      client.send({ event: 'echo', data: null });
      client.send({ event: 'nothing' });
      await expectCount(0);
    });

    it('without a handler are each refused, and the connection stays open (7.3, 11.2, 11.3)', async () => {
      for (let times = 0; times < 20; times++) client.send({ event: 'what?', data: 'payload' });
      for (let times = 0; times < 20; times++) {
        const { data, ...rest } = await client.next('exception');
        equal(rest, { event: 'exception' });
        equal(data, { status: 'error', code: 'unknown_event', message: isText });
      }
      await expectCount(20);
    });
  });

  describe('requests', () => {
    it.each([
      ['a value', 'echo', 1, { event: 'echo', data: 1 }],
      ['null', 'echo', null, { event: 'echo', data: null }],
      ['nothing', 'nothing', 1, { event: 'nothing' }],
      ['the first value of a source', 'count', 3, { event: 'count', data: 0 }],
      ['an empty source', 'count', 0, { event: 'count' }],
      ['an endless source', 'endless', 'first', { event: 'endless', data: 0 }],
    ])('receive exactly one final response: %s (8.1, 9.2)', async (_, event, data, answer) => {
      equal(await client.ask(event, data, 7), { ...answer, ack: 7 });
      await expectCount(1);
      equal((await client.ask('sources', 'first')).data, 0);
    });

    it('receive the response with another event, if it has one (7.1, 8.1)', async () => {
      const answer = new Promise((resolve) =>
        client.ws.once('message', (text) =>
          resolve({ event: 'renamed', ...(JSON.parse(String(text)) as object) }),
        ),
      );
      client.send({ event: 'rename', data: 1, id: 7 });
      equal(await answer, { event: 'renamed', data: 1, ack: 7 });
      await expectCount(1);
    });

    it('wait over the limit in flight: none is refused, and $ping and $cancel do not wait (11.8, 9.3)', async () => {
      const tag = 'many';
      const ids = Array.from({ length: 300 }, (_, index) => `n${index}`);
      for (const id of ids) client.send({ event: 'never', data: tag, id });
      client.send({ event: 'echo', data: 'last', id: 'last' });
      await client.settled();
      for (const id of ids) client.send({ event: '$cancel', data: id });
      equal((await client.answer('last')).data, 'last');
      for (const id of ids) equal(await client.answer(id), { event: 'never', ack: id });
    });

    it('with events of the protocol are answered once, too (8.1, 9.6, 12.3)', async () => {
      for (const event of ['$ping', '$cancel']) {
        const { data, ...answer } = await client.ask(
          event,
          event === '$cancel' ? 'nothing' : undefined,
          event,
        );
        equal(answer, { event, ack: event });
        equal(data, undefined);
      }
      await client.settled();
      equal(client.frames.filter(({ ack }) => ack === '$cancel').length, 1);
    });

    it('are answered as soon as their results are ready (5.7)', async () => {
      for (const id of ['one', 'two']) client.send({ event: 'hold', id });
      equal((await client.ask('echo', 1, 'three')).data, 1);
      client.send({ event: 'release', data: 2 });
      equal((await client.answer('two')).data, 2);
      client.send({ event: 'release', data: 1 });
      equal((await client.answer('one')).data, 1);
    });
  });

  describe("the server's own requests", () => {
    const question = async (): Promise<string | number> => {
      client.send({ event: 'ask', data: 'why?', id: 'ask' });
      const { id, ...rest } = await client.next('question');
      equal(rest, { event: 'question', data: 'why?' });
      equal(Boolean(typeof id === 'string' ? id.length : Number.isSafeInteger(id)), true);
      return id!;
    };

    it.each([
      ['without an event', {}],
      ['with one', { event: 'question' }],
      ['with any other', { event: 'whatever' }],
      ['with unknown fields', { meta: {}, stream: 1, x: 1 }],
    ])('are answered %s (8.2, 8.3, 5.2)', async (_, more) => {
      const ack = await question();
      client.send({ ack, data: 'so', ...more });
      equal(await client.answer('ask'), { event: 'ask', data: 'so', ack: 'ask' });
    });

    it('fail with an exception of the client (8.3, 11.1)', async () => {
      const ack = await question();
      client.send({ event: 'exception', ack, data: { status: 'error', message: 'I will not tell' } });
      equal((await client.answer('ask')).event, 'exception');
    });

    it('ignore a response that also has an id, and refuse that id (5.6)', async () => {
      const ack = await question();
      client.send({ ack, id: 'both', data: 'no answer' });
      matches(await client.answer('both'), { event: 'exception', data: { code: 'bad_id' } });
      client.send({ ack, data: 'so' });
      equal(await client.answer('ask'), { event: 'ask', data: 'so', ack: 'ask' });
    });

    it('accept one response, and ignore late, repeated and unknown ones (8.4)', async () => {
      const ack = await question();
      client.send({ ack: 'invented', data: 1 });
      client.send({ ack: typeof ack === 'number' ? String(ack) : `${ack}x`, data: 2 });
      client.send({ ack, data: 'first' });
      for (let times = 0; times < 20; times++) {
        client.send({ ack, data: 'again' });
        client.send({ event: 'exception', ack: `invented ${times}`, data: { status: 'error' } });
      }
      equal((await client.answer('ask')).data, 'first');
      await expectCount(2);
    });
  });

  describe('streams', () => {
    it('send each value with "more", and an end without it (9.1)', async () => {
      client.send({ event: 'count', data: 2, id: 's', stream: true });
      const frames = [await client.answer('s'), await client.answer('s')];
      equal(
        frames,
        [0, 1].map((data) => ({ event: 'count', data, ack: 's', more: true })),
      );
      equal(await client.answer('s'), { event: 'count', ack: 's' });
      await expectCount(3);
    });

    it.each([['yes'], ['true'], [1], [null], [{}], [false]])(
      'are requested only with true, not with %s (5.4)',
      async (stream) => {
        client.send({ event: 'count', data: 2, id: 's', stream });
        equal(await client.answer('s'), { event: 'count', data: 0, ack: 's' });
        await expectCount(1);
      },
    );

    it('are requested only with an id (5.2)', async () => {
      client.send({ event: 'count', data: 2, stream: true });
      for (const data of [0, 1]) equal(await client.next('count'), { event: 'count', data });
      await expectCount(2);
    });

    it('end after one value when the result is one value (9.1)', async () => {
      client.send({ event: 'echo', data: 1, id: 's', stream: true });
      const first = await client.answer('s');
      if (first.more) equal(await client.answer('s'), { event: 'echo', ack: 's' });
      matches(first, { event: 'echo', data: 1, ack: 's' });
    });

    it('end after $cancel with one final response (9.3, 9.6, 5.3)', async () => {
      client.send({ event: 'endless', data: 'cancelled', id: 1, stream: true });
      matches(await client.answer(1), { data: 0, more: true });
      // another id is another request
      client.send({ event: '$cancel', data: '1' });
      equal((await client.ask('sources', 'cancelled')).data, 1);
      client.send({ event: '$cancel', data: 1 });
      const end = await client.answer(1);
      equal(end.more, undefined);
      client.send({ event: '$cancel', data: 1 });
      equal((await client.ask('sources', 'cancelled')).data, 0);
      await client.settled();
      equal(client.frames.filter(({ ack }) => ack === 1).length, 2);
    });

    it('end with the connection (9.7)', async () => {
      const other = await server.open();
      const running = async (): Promise<number> => (await other.ask('sources', 'cut')).data;
      client.send({ event: 'endless', data: 'cut', id: 1, stream: true });
      client.send({ event: 'never', data: 'cut', id: 2 });
      await client.settled();
      equal(await running(), 2);
      client.close(1000);
      await client.ended();
      await until('both sources to end', async () => (await running()) === 0);
    });
  });
}
