import type { Received, TestClient } from '../../support/client.js';
import { until } from '../../support/wait.js';
import { FIELDS, unsolicited, type Server } from './server.js';

/** Declares the checks of PROTOCOL.md, sections 5 to 9. */
export function declareMessageChecks(server: Server): void {
  let client: TestClient;
  beforeEach(async () => {
    client = await server.open();
  });

  /** Expects that `count` messages arrived in all, and no more. */
  const expectCount = async (count: number): Promise<void> => {
    await client.settled();
    expect(unsolicited(client)).toHaveLength(count);
  };

  it('are read from binary messages, too, and unknown fields are ignored', async () => {
    const message = { event: 'echo', data: 'ü', id: 1, color: 'red', offset: 7, more: 'x' };
    client.ws.send(Buffer.from(JSON.stringify(message)));
    expect(await client.answer(1)).toEqual({ event: 'echo', data: 'ü', ack: 1 });
    client.send({ ...message, id: 2 });
    expect(await client.answer(2)).toEqual({ event: 'echo', data: 'ü', ack: 2 });
    for (const frame of client.frames) expect(FIELDS).toEqual(expect.arrayContaining(Object.keys(frame)));
  });

  it('are read in fragments, with pings between', async () => {
    const bytes = Buffer.from(JSON.stringify({ event: 'echo', data: 'ü€𝄞', id: 1 }));
    // in the middle of a character
    const [first, second] = [bytes.indexOf('€') + 1, bytes.length - 3];
    client.ws.send(bytes.subarray(0, first), { binary: false, fin: false });
    client.ws.ping('now');
    client.ws.send(bytes.subarray(first, second), { binary: false, fin: false });
    client.ws.send(bytes.subarray(second), { binary: false, fin: true });
    expect((await client.answer(1)).data).toBe('ü€𝄞');
  });

  it('with a kind and an event are events', async () => {
    client.send({ kind: 'message', pattern: 'x', event: 'echo', data: 1, id: 1 });
    expect(await client.answer(1)).toEqual({ event: 'echo', data: 1, ack: 1 });
  });

  it('with only a kind are answered, by servers with and without microservices', async () => {
    client.send({ kind: 'message', pattern: 'unknown pattern', id: 9 });
    const find = (): Received | undefined => client.frames.find(({ ack, id }) => ack === 9 || id === 9);
    await client.until('the answer', () => find() !== undefined);
    if (find()!.ack === 9) expect(find()).toMatchObject({ event: 'exception', data: { code: 'bad_event' } });
    else expect(find()).toMatchObject({ kind: 'error', pattern: 'unknown pattern' });
  });

  it('may have event names of up to 256 characters', async () => {
    for (const event of ['x'.repeat(256), '𝄞'.repeat(128)])
      expect((await client.ask(event)).data).toMatchObject({ code: 'unknown_event' });
  });

  it('carry any JSON value as data', async () => {
    for (const data of [null, 0, '', false, [], {}, { a: [{ b: null }] }, 'ü€𝄞\u2028', 1e21])
      expect(await client.ask('echo', data, 'x')).toEqual({ event: 'echo', data, ack: 'x' });
  });

  it('are answered with the same id', async () => {
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
    for (const id of ids) expect((await client.ask('echo', 1, id)).ack).toBe(id);
  });

  it('distinguish the ids 1 and "1"', async () => {
    client.send({ event: 'hold', id: 1 });
    client.send({ event: 'hold', id: '1' });
    await client.settled();
    // releases the last one first
    client.send({ event: 'release', data: 'text' });
    expect(await client.answer('1')).toMatchObject({ data: 'text' });
    client.send({ event: 'release', data: 'number' });
    expect(await client.answer(1)).toMatchObject({ data: 'number' });
    await expectCount(2);
  });

  it('close with 4409 when they reuse an id that is in flight, but not an answered one', async () => {
    await client.ask('echo', 1, 'again');
    await client.ask('echo', 1, 'again');
    client.send({ event: 'never', id: 'x' });
    client.send({ event: 'echo', id: 'x' });
    expect((await client.ended()).code).toBe(4409);
  });

  it('keep their order in both directions', async () => {
    const numbers = Array.from({ length: 100 }, (_, number) => number);
    for (const number of numbers) client.send({ event: 'tell', data: number });
    const told: unknown[] = [];
    for (const _ of numbers) told.push((await client.next('told')).data);
    expect(told).toEqual(numbers);
  });

  describe('events', () => {
    it('are answered with the result, under the same or another name', async () => {
      client.send({ event: 'echo', data: 1 });
      expect(await client.next('echo')).toEqual({ event: 'echo', data: 1 });
      client.send({ event: 'rename', data: 2 });
      expect(await client.next('renamed')).toEqual({ event: 'renamed', data: 2 });
      await expectCount(2);
    });

    it('are answered with each value of a source', async () => {
      client.send({ event: 'count', data: 3 });
      for (const data of [0, 1, 2]) expect(await client.next('count')).toEqual({ event: 'count', data });
      await expectCount(3);
    });

    it('are not answered for null or no result', async () => {
      client.send({ event: 'echo', data: null });
      client.send({ event: 'nothing' });
      await expectCount(0);
    });

    it('without a handler are each refused, and the connection stays open', async () => {
      for (let times = 0; times < 20; times++) client.send({ event: 'what?', data: 'payload' });
      for (let times = 0; times < 20; times++) {
        const { data, ...rest } = await client.next('exception');
        expect(rest).toEqual({ event: 'exception' });
        expect(data).toEqual({ status: 'error', code: 'unknown_event', message: expect.any(String) });
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
    ])('receive exactly one final response: %s', async (_, event, data, answer) => {
      expect(await client.ask(event, data, 7)).toEqual({ ...answer, ack: 7 });
      await expectCount(1);
      expect((await client.ask('sources', 'first')).data).toBe(0);
    });

    it('receive the response with another event, if it has one', async () => {
      const answer = new Promise((resolve) =>
        client.ws.once('message', (text) =>
          resolve({ event: 'renamed', ...(JSON.parse(String(text)) as object) }),
        ),
      );
      client.send({ event: 'rename', data: 1, id: 7 });
      expect(await answer).toEqual({ event: 'renamed', data: 1, ack: 7 });
      await expectCount(1);
    });

    it('wait over the limit in flight: none is refused, and $ping and $cancel do not wait', async () => {
      const tag = 'many';
      const ids = Array.from({ length: 300 }, (_, index) => `n${index}`);
      for (const id of ids) client.send({ event: 'never', data: tag, id });
      client.send({ event: 'echo', data: 'last', id: 'last' });
      await client.settled();
      for (const id of ids) client.send({ event: '$cancel', data: id });
      expect((await client.answer('last')).data).toBe('last');
      for (const id of ids) expect(await client.answer(id)).toEqual({ event: 'never', ack: id });
    });

    it('with events of the protocol are answered once, too', async () => {
      for (const event of ['$ping', '$cancel']) {
        const { data, ...answer } = await client.ask(
          event,
          event === '$cancel' ? 'nothing' : undefined,
          event,
        );
        expect(answer).toEqual({ event, ack: event });
        expect(data).toBeUndefined();
      }
      await client.settled();
      expect(client.frames.filter(({ ack }) => ack === '$cancel')).toHaveLength(1);
    });

    it('are answered as soon as their results are ready', async () => {
      for (const id of ['one', 'two']) client.send({ event: 'hold', id });
      expect((await client.ask('echo', 1, 'three')).data).toBe(1);
      client.send({ event: 'release', data: 2 });
      expect((await client.answer('two')).data).toBe(2);
      client.send({ event: 'release', data: 1 });
      expect((await client.answer('one')).data).toBe(1);
    });
  });

  describe("the server's own requests", () => {
    const question = async (): Promise<string | number> => {
      client.send({ event: 'ask', data: 'why?', id: 'ask' });
      const { id, ...rest } = await client.next('question');
      expect(rest).toEqual({ event: 'question', data: 'why?' });
      expect(typeof id === 'string' ? id.length : Number.isSafeInteger(id)).toBeTruthy();
      return id!;
    };

    it.each([
      ['without an event', {}],
      ['with one', { event: 'question' }],
      ['with any other', { event: 'whatever' }],
      ['with unknown fields', { meta: {}, stream: 1, x: 1 }],
    ])('are answered %s', async (_, more) => {
      const ack = await question();
      client.send({ ack, data: 'so', ...more });
      expect(await client.answer('ask')).toEqual({ event: 'ask', data: 'so', ack: 'ask' });
    });

    it('fail with an exception of the client', async () => {
      const ack = await question();
      client.send({ event: 'exception', ack, data: { status: 'error', message: 'I will not tell' } });
      expect((await client.answer('ask')).event).toBe('exception');
    });

    it('ignore a response that also has an id, and refuse that id', async () => {
      const ack = await question();
      client.send({ ack, id: 'both', data: 'no answer' });
      expect(await client.answer('both')).toMatchObject({ event: 'exception', data: { code: 'bad_id' } });
      client.send({ ack, data: 'so' });
      expect(await client.answer('ask')).toEqual({ event: 'ask', data: 'so', ack: 'ask' });
    });

    it('accept one response, and ignore late, repeated and unknown ones', async () => {
      const ack = await question();
      client.send({ ack: 'invented', data: 1 });
      client.send({ ack: typeof ack === 'number' ? String(ack) : `${ack}x`, data: 2 });
      client.send({ ack, data: 'first' });
      for (let times = 0; times < 20; times++) {
        client.send({ ack, data: 'again' });
        client.send({ event: 'exception', ack: `invented ${times}`, data: { status: 'error' } });
      }
      expect((await client.answer('ask')).data).toBe('first');
      await expectCount(2);
    });
  });

  describe('streams', () => {
    it('send each value with "more", and an end without it', async () => {
      client.send({ event: 'count', data: 2, id: 's', stream: true });
      const frames = [await client.answer('s'), await client.answer('s')];
      expect(frames).toEqual([0, 1].map((data) => ({ event: 'count', data, ack: 's', more: true })));
      expect(await client.answer('s')).toEqual({ event: 'count', ack: 's' });
      await expectCount(3);
    });

    it.each(['yes', 'true', 1, null, {}, false])(
      'are requested only with true, not with %j',
      async (stream) => {
        client.send({ event: 'count', data: 2, id: 's', stream });
        expect(await client.answer('s')).toEqual({ event: 'count', data: 0, ack: 's' });
        await expectCount(1);
      },
    );

    it('are requested only with an id', async () => {
      client.send({ event: 'count', data: 2, stream: true });
      for (const data of [0, 1]) expect(await client.next('count')).toEqual({ event: 'count', data });
      await expectCount(2);
    });

    it('end after one value when the result is one value', async () => {
      client.send({ event: 'echo', data: 1, id: 's', stream: true });
      const first = await client.answer('s');
      if (first.more) expect(await client.answer('s')).toEqual({ event: 'echo', ack: 's' });
      expect(first).toMatchObject({ event: 'echo', data: 1, ack: 's' });
    });

    it('end after $cancel with one final response', async () => {
      client.send({ event: 'endless', data: 'cancelled', id: 1, stream: true });
      expect(await client.answer(1)).toMatchObject({ data: 0, more: true });
      // another id is another request
      client.send({ event: '$cancel', data: '1' });
      expect((await client.ask('sources', 'cancelled')).data).toBe(1);
      client.send({ event: '$cancel', data: 1 });
      const end = await client.answer(1);
      expect(end.more).toBeUndefined();
      client.send({ event: '$cancel', data: 1 });
      expect((await client.ask('sources', 'cancelled')).data).toBe(0);
      await client.settled();
      expect(client.frames.filter(({ ack }) => ack === 1)).toHaveLength(2);
    });

    it('end with the connection', async () => {
      const other = await server.open();
      const running = async (): Promise<number> => (await other.ask('sources', 'cut')).data;
      client.send({ event: 'endless', data: 'cut', id: 1, stream: true });
      client.send({ event: 'never', data: 'cut', id: 2 });
      await client.settled();
      expect(await running()).toBe(2);
      client.close(1000);
      await client.ended();
      await until('both sources to end', async () => (await running()) === 0);
    });
  });
}
