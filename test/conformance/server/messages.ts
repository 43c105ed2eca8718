import type { Received, TestClient } from '../../support/client.js';
import { until } from '../../support/wait.js';
import { FIELDS, unasked, type Server } from './server.js';

/** PROTOCOL.md, "The envelope", "Events" and "Requests and answers". */
export function messages(server: Server): void {
  let client: TestClient;
  beforeEach(async () => {
    client = await server.open();
  });

  /** Beside what a test has taken, nothing came. */
  const nothingElse = async (count: number): Promise<void> => {
    await client.settled();
    expect(unasked(client)).toHaveLength(count);
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

  it('with a kind, of microservices, are events where they have an event', async () => {
    client.send({ kind: 'message', pattern: 'x', event: 'echo', data: 1, id: 1 });
    expect(await client.answer(1)).toEqual({ event: 'echo', data: 1, ack: 1 });
  });

  it('with a kind alone are answered, whether the server takes such messages or not', async () => {
    client.send({ kind: 'message', pattern: 'what nobody takes', id: 9 });
    const find = (): Received | undefined => client.frames.find(({ ack, id }) => ack === 9 || id === 9);
    await client.until('the answer', () => find() !== undefined);
    if (find()!.ack === 9) expect(find()).toMatchObject({ event: 'exception', data: { code: 'bad_event' } });
    else expect(find()).toMatchObject({ kind: 'error', pattern: 'what nobody takes' });
  });

  it('name events of up to 256 characters', async () => {
    for (const event of ['x'.repeat(256), '𝄞'.repeat(128)])
      expect((await client.ask(event)).data).toMatchObject({ code: 'unknown_event' });
  });

  it('carry any JSON value as data', async () => {
    for (const data of [null, 0, '', false, [], {}, { a: [{ b: null }] }, 'ü€𝄞\u2028', 1e21])
      expect(await client.ask('echo', data, 'x')).toEqual({ event: 'echo', data, ack: 'x' });
  });

  it('are answered under the very id', async () => {
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

  it('tell 1 from "1"', async () => {
    client.send({ event: 'hold', id: 1 });
    client.send({ event: 'hold', id: '1' });
    await client.settled();
    // the last one first
    client.send({ event: 'release', data: 'text' });
    expect(await client.answer('1')).toMatchObject({ data: 'text' });
    client.send({ event: 'release', data: 'number' });
    expect(await client.answer(1)).toMatchObject({ data: 'number' });
    await nothingElse(2);
  });

  it('close with 4409 where an id is used that is in flight, and not where it is answered', async () => {
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
    it('come back with the result, under their own name or another', async () => {
      client.send({ event: 'echo', data: 1 });
      expect(await client.next('echo')).toEqual({ event: 'echo', data: 1 });
      client.send({ event: 'rename', data: 2 });
      expect(await client.next('renamed')).toEqual({ event: 'renamed', data: 2 });
      await nothingElse(2);
    });

    it('bring each value of a source', async () => {
      client.send({ event: 'count', data: 3 });
      for (const data of [0, 1, 2]) expect(await client.next('count')).toEqual({ event: 'count', data });
      await nothingElse(3);
    });

    it('bring nothing for null and for no result', async () => {
      client.send({ event: 'echo', data: null });
      client.send({ event: 'nothing' });
      await nothingElse(0);
    });

    it('that nothing takes are answered, however many, and the line lives', async () => {
      for (let times = 0; times < 20; times++) client.send({ event: 'what?', data: 'payload' });
      for (let times = 0; times < 20; times++) {
        const { data, ...rest } = await client.next('exception');
        expect(rest).toEqual({ event: 'exception' });
        expect(data).toEqual({ status: 'error', code: 'unknown_event', message: expect.any(String) });
      }
      await nothingElse(20);
    });
  });

  describe('requests', () => {
    it.each([
      ['a value', 'echo', 1, { event: 'echo', data: 1 }],
      ['null', 'echo', null, { event: 'echo', data: null }],
      ['nothing', 'nothing', 1, { event: 'nothing' }],
      ['a source of many, of which the first counts', 'count', 3, { event: 'count', data: 0 }],
      ['a source of none', 'count', 0, { event: 'count' }],
      ['a source without end', 'endless', 'first', { event: 'endless', data: 0 }],
    ])('get exactly one final answer: %s', async (_, event, data, answer) => {
      expect(await client.ask(event, data, 7)).toEqual({ ...answer, ack: 7 });
      await nothingElse(1);
      expect((await client.ask('sources', 'first')).data).toBe(0);
    });

    it('get the answer under another name, where it has a name', async () => {
      const answer = new Promise((resolve) =>
        client.ws.once('message', (text) =>
          resolve({ event: 'renamed', ...(JSON.parse(String(text)) as object) }),
        ),
      );
      client.send({ event: 'rename', data: 1, id: 7 });
      expect(await answer).toEqual({ event: 'renamed', data: 1, ack: 7 });
      await nothingElse(1);
    });

    it('wait where there are too many at once: none is refused, and $ping and $cancel do not wait', async () => {
      const tag = 'many';
      const ids = Array.from({ length: 300 }, (_, index) => `n${index}`);
      for (const id of ids) client.send({ event: 'never', data: tag, id });
      client.send({ event: 'echo', data: 'last', id: 'last' });
      await client.settled();
      for (const id of ids) client.send({ event: '$cancel', data: id });
      expect((await client.answer('last')).data).toBe('last');
      for (const id of ids) expect(await client.answer(id)).toEqual({ event: 'never', ack: id });
    });

    it('of the protocol itself are answered once, too', async () => {
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

    it('are answered when the answers are ready', async () => {
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
      ['with fields that nobody knows', { meta: {}, stream: 1, x: 1 }],
    ])('are answered %s', async (_, more) => {
      const ack = await question();
      client.send({ ack, data: 'so', ...more });
      expect(await client.answer('ask')).toEqual({ event: 'ask', data: 'so', ack: 'ask' });
    });

    it('fail where the client says so', async () => {
      const ack = await question();
      client.send({ event: 'exception', ack, data: { status: 'error', message: 'I will not tell' } });
      expect((await client.answer('ask')).event).toBe('exception');
    });

    it('take no answer from a message that has an id, too, and answer that id', async () => {
      const ack = await question();
      client.send({ ack, id: 'both', data: 'no answer' });
      expect(await client.answer('both')).toMatchObject({ event: 'exception', data: { code: 'bad_id' } });
      client.send({ ack, data: 'so' });
      expect(await client.answer('ask')).toEqual({ event: 'ask', data: 'so', ack: 'ask' });
    });

    it('take one answer: late, repeated and invented ones are ignored', async () => {
      const ack = await question();
      client.send({ ack: 'invented', data: 1 });
      client.send({ ack: typeof ack === 'number' ? String(ack) : `${ack}x`, data: 2 });
      client.send({ ack, data: 'first' });
      for (let times = 0; times < 20; times++) {
        client.send({ ack, data: 'again' });
        client.send({ event: 'exception', ack: `invented ${times}`, data: { status: 'error' } });
      }
      expect((await client.answer('ask')).data).toBe('first');
      await nothingElse(2);
    });
  });

  describe('streams', () => {
    it('bring each value with "more", and an end without', async () => {
      client.send({ event: 'count', data: 2, id: 's', stream: true });
      const frames = [await client.answer('s'), await client.answer('s')];
      expect(frames).toEqual([0, 1].map((data) => ({ event: 'count', data, ack: 's', more: true })));
      expect(await client.answer('s')).toEqual({ event: 'count', ack: 's' });
      await nothingElse(3);
    });

    it.each(['yes', 'true', 1, null, {}, false])(
      'are asked for with true alone: not with %j',
      async (stream) => {
        client.send({ event: 'count', data: 2, id: 's', stream });
        expect(await client.answer('s')).toEqual({ event: 'count', data: 0, ack: 's' });
        await nothingElse(1);
      },
    );

    it('are asked for beside an id alone', async () => {
      client.send({ event: 'count', data: 2, stream: true });
      for (const data of [0, 1]) expect(await client.next('count')).toEqual({ event: 'count', data });
      await nothingElse(2);
    });

    it('are one final answer where the result is one value', async () => {
      client.send({ event: 'echo', data: 1, id: 's', stream: true });
      const first = await client.answer('s');
      if (first.more) expect(await client.answer('s')).toEqual({ event: 'echo', ack: 's' });
      expect(first).toMatchObject({ event: 'echo', data: 1, ack: 's' });
    });

    it('end with $cancel, which brings the final answer, once', async () => {
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

    it('end with the line', async () => {
      const other = await server.open();
      const running = async (): Promise<number> => (await other.ask('sources', 'cut')).data;
      client.send({ event: 'endless', data: 'cut', id: 1, stream: true });
      client.send({ event: 'never', data: 'cut', id: 2 });
      await client.settled();
      expect(await running()).toBe(2);
      client.close(1000);
      await client.ended();
      await until('the end of both', async () => (await running()) === 0);
    });
  });
}
