import { Ack, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { memoryOnce, Once, type OnceStore } from '../../lib/once/index.js';
import { startApp, type TestApp } from '../support/app.js';
import type { Received, TestClient } from '../support/client.js';
import { coded } from '../support/error-code.js';
import { until } from '../support/wait.js';
import { newKey, OnceGateway } from './fixture.js';

let ids = 0;
/** Sends a request with a key. */
function send(client: TestClient, event: string, data: unknown, key: unknown): Promise<Received> {
  const id = ++ids;
  client.send({ event, data, id, meta: { key } });
  return client.answer(id);
}

describe('requests with keys', () => {
  let app: TestApp;
  let gateway: OnceGateway;
  let client: TestClient;
  beforeEach(async () => {
    app = await startApp({ providers: [OnceGateway] });
    gateway = app.nest.get(OnceGateway);
    client = await app.connect('/ws');
  });

  it('is done once: the same request gets the same answer, on another connection, too', async () => {
    const key = newKey();
    const first = await send(client, 'message', 'hi', key);
    expect(first.data).toEqual({ text: 'hi', n: 1 });
    expect((await send(client, 'message', 'hi', key)).data).toEqual(first.data);
    client.close();
    expect((await send(await app.connect('/ws'), 'message', 'hi', key)).data).toEqual(first.data);
    expect(gateway.calls).toEqual(['message']);
    expect(gateway.keys).toEqual([key]);
  });

  it('is refused with other data, and without a valid key', async () => {
    const key = newKey();
    await send(client, 'message', 'hi', key);
    expect((await send(client, 'message', 'bye', key)).data).toMatchObject({ code: 'key_reused' });
    for (const malformed of ['', 'short', 'x'.repeat(65), `${newKey()} `, 7, null, {}, [key]])
      expect([malformed, (await send(client, 'message', 'hi', malformed)).data]).toEqual([
        malformed,
        expect.objectContaining({ code: 'bad_frame' }),
      ]);
    expect(gateway.calls).toEqual(['message']);
  });

  it('runs as usual without a key, without an id, as a stream, and without @Once()', async () => {
    const key = newKey();
    await client.ask('message', 'hi');
    await client.ask('message', 'hi');
    client.send({ event: 'message', data: 'hi', meta: { key } });
    client.send({ event: 'message', data: 'hi', id: 'a', stream: true, meta: { key } });
    await client.answer('a');
    expect(gateway.calls).toEqual(Array(4).fill('message'));
    expect(gateway.keys).toEqual(Array(4).fill(undefined));
    expect((await send(client, 'plain', 'x', key)).data).toBe(key);
    expect((await send(client, 'plain', 'x', key)).data).toBe(key);
    expect((await send(client, 'plain', 'x', 'short')).data).toBeNull();
    expect(gateway.count('plain')).toBe(3);
  });

  it('waits for the answer while the handler runs, also after its client has gone', async () => {
    const key = newKey();
    client.send({ event: 'slow', data: 1, id: 1, meta: { key } });
    await until('the handler', () => gateway.count('slow') === 1);
    client.send({ event: 'slow', data: 1, id: 2, meta: { key } });
    const other = await app.connect('/ws');
    other.send({ event: 'slow', data: 1, id: 3, meta: { key } });
    expect((await send(other, 'slow', 2, key)).data).toMatchObject({ code: 'key_reused' });
    client.ws.terminate();
    await client.ended();
    other.send({ event: '$cancel', data: 3 });
    await other.settled();
    expect(gateway.signal?.aborted).toBe(false);
    gateway.open();
    expect((await other.answer(3)).data).toBe('slow 1');
    expect((await send(other, 'slow', 1, key)).data).toBe('slow 1');
    expect(gateway.count('slow')).toBe(1);
  });

  it('keeps the answer of an interceptor whose client has gone', async () => {
    const key = newKey();
    client.send({ event: 'intercepted', id: 1, meta: { key } });
    await until('the handler', () => gateway.count('intercepted') === 1);
    client.ws.terminate();
    await client.ended();
    gateway.open();
    expect((await send(await app.connect('/ws'), 'intercepted', undefined, key)).data).toEqual([1, 1]);
    expect(gateway.count('intercepted')).toBe(1);
  });

  it('keeps answers without data, with another name, and the fact that a large one was given', async () => {
    const keys = [newKey(), newKey(), newKey()] as const;
    for (let i = 0; i < 2; i++) {
      expect(await send(client, 'nothing', 1, keys[0])).toEqual({
        event: 'nothing',
        ack: expect.any(Number),
      });
      expect(await send(client, 'named', 1, keys[1])).toMatchObject({ event: 'other', data: 7 });
    }
    expect((await send(client, 'large', 1, keys[2])).data).toHaveLength(70_000);
    expect((await send(client, 'large', 1, keys[2])).data).toMatchObject({ code: 'already_answered' });
    expect(gateway.calls.sort()).toEqual(['large', 'named', 'nothing']);
  });

  it.each(['ws', '400', 'filtered'])('keeps the exception of the application: %s', async (kind) => {
    const key = newKey();
    const first = await send(client, 'fail', kind, key);
    expect(first.event).toBe('exception');
    expect((await send(client, 'fail', kind, key)).data).toEqual(first.data);
    expect(gateway.calls).toEqual([`fail ${kind}`]);
  });

  it.each(['429', '503', 'unknown'])('runs again after %s', async (kind) => {
    const key = newKey();
    const first = await send(client, 'fail', kind, key);
    expect(first.event).toBe('exception');
    expect((await send(client, 'fail', kind, key)).data).toEqual(first.data);
    expect(gateway.calls).toEqual([`fail ${kind}`, `fail ${kind}`]);
  });

  it('separates users, clients whose user has no name, and events', async () => {
    const key = newKey();
    const clients = await Promise.all(
      ['/ws?user=ada', '/ws?user=bob', '/ws?nameless=1', '/ws?nameless=1', '/ws'].map((path) =>
        app.connect(path),
      ),
    );
    for (const one of clients) await send(one, 'message', 'hi', key);
    expect(gateway.count('message')).toBe(5);
    await send(await app.connect('/ws?user=ada'), 'message', 'hi', key);
    expect(gateway.count('message')).toBe(5);
    // with the data of another event
    await send(clients[0]!, 'nothing', 'hi', key);
    expect(gateway.count('nothing')).toBe(1);
  });

  it('forgets answers after their time', async () => {
    const key = newKey();
    await send(client, 'brief', 1, key);
    await until('another answer', async () => (await send(client, 'brief', 1, key)).data === 2);
  });

  it('keeps the order of messages in order', async () => {
    const key = newKey();
    await send(client, 'ordered', 'a', key);
    client.send({ event: 'ordered', data: 'a', id: 'x', meta: { key } });
    client.send({ event: 'ordered', data: 'b', id: 'y', meta: { key: newKey() } });
    client.send({ event: 'ordered', data: 'c', id: 'z', meta: { key: 'short' } });
    client.send({ event: 'ordered', data: 'd', id: 'w' });
    await client.answer('w');
    expect(gateway.calls).toEqual(['ordered a', 'ordered b', 'ordered d']);
    for (const id of ['x', 'y', 'z']) await client.answer(id);
  });

  it('is a feature of paths with such a handler', async () => {
    expect(await featuresOf(app, '/ws')).toContain('once');
    @WebSocketGateway({ path: '/other' })
    class Other {
      @SubscribeMessage('message') message(): void {}
    }
    const other = await startApp({ providers: [Other] });
    expect(await featuresOf(other, '/other')).not.toContain('once');
  });
});

async function featuresOf(app: TestApp, path: string): Promise<string[]> {
  const client = await app.connect(path, { protocols: ['envelope.v1'] });
  const { data } = await client.next('$session');
  return (data as { features: string[] }).features;
}

describe('@Once()', () => {
  class Streams {
    @Once()
    @SubscribeMessage('values')
    *values(): Generator<number> {
      yield 1;
    }
  }
  class Acks {
    @Once()
    @SubscribeMessage('by hand')
    byHand(@Ack() _ack: () => void): void {}
  }

  it.each([
    ['a generator', Streams, 'Streams.values: @Once() cannot be used'],
    ['@Ack()', Acks, 'Acks.byHand: @Once() cannot be used'],
  ])('is refused on a handler with %s', async (_, type, message) => {
    WebSocketGateway()(type);
    await expect(startApp({ providers: [type] })).rejects.toThrow(coded('ERR_ENVELOPE_UNSUPPORTED', message));
  });
});

describe('a store that fails while it takes an answer', () => {
  it('gets the answer later, so that no other node handles the request again', async () => {
    const memory = memoryOnce();
    let failures = 1;
    const onceStore: OnceStore = {
      claim: (...args) => memory.claim(...args),
      replace: (...args) =>
        failures-- > 0 ? Promise.reject(new Error('the store is away')) : memory.replace(...args),
    };
    const start = () => startApp({ providers: [OnceGateway] }, { adapter: { onceStore } });
    const [one, two] = [await start(), await start()];
    const key = newKey();
    const first = await send(await one.connect('/ws'), 'message', 'hi', key);
    const again = await send(await two.connect('/ws'), 'message', 'hi', key);
    expect(again.data).toEqual(first.data);
    expect(failures).toBeLessThan(0);
    expect(two.nest.get(OnceGateway).calls).toEqual([]);
  });
});

describe('the store in memory', () => {
  it('keeps the answer of a user while another one sends many keys', async () => {
    const app = await startApp(
      { providers: [OnceGateway] },
      { adapter: { onceStore: memoryOnce({ maxKeys: 10 }) } },
    );
    const [ada, bob] = [await app.connect('/ws?user=ada'), await app.connect('/ws?user=bob')];
    const key = newKey();
    const { data } = await send(ada, 'message', 'hi', key);
    const first = newKey();
    await send(bob, 'message', 'hi', first);
    for (let i = 0; i < 50; i++) await send(bob, 'message', 'hi', newKey());
    expect((await send(ada, 'message', 'hi', key)).data).toEqual(data);
    expect(app.nest.get(OnceGateway).calls).toHaveLength(52);
    await send(bob, 'message', 'hi', first);
    expect(app.nest.get(OnceGateway).calls).toHaveLength(53);
  });

  const TIME = 60_000;
  it('keeps a number of answers and bytes, the newest, and forgets nothing that runs', async () => {
    const store = memoryOnce({ maxKeys: 100, maxBytes: 20_000 });
    await store.claim('running', 'claim', TIME);
    for (let i = 0; i < 1_000; i++) {
      await store.claim(`key ${i}`, 'claim', TIME);
      await store.replace(`key ${i}`, 'claim', `answer ${i}`, TIME);
    }
    const kept = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => store.claim(`key ${i}`, 'again', TIME)),
    );
    const values = kept.filter((value) => value !== undefined);
    expect(values.length).toBeGreaterThan(50);
    expect(values.length).toBeLessThanOrEqual(100);
    expect(values.at(-1)).toBe('answer 999');
    expect(await store.claim('running', 'again', TIME)).toBe('claim');
    await store.replace('running', 'not mine', 'answer', TIME);
    expect(await store.claim('running', 'again', TIME)).toBe('claim');
    await store.replace('running', 'claim', undefined, 0);
    expect(await store.claim('running', 'again', TIME)).toBeUndefined();
  });

  it.each([
    ['keys', 1],
    ['bytes', 150],
  ])('does not let a user with many %s push out the answers of others', async (_, length) => {
    const store = memoryOnce({ maxKeys: 100, maxBytes: 30_000 });
    const add = async (name: string, owner: string, text: string, time = TIME): Promise<void> => {
      await store.claim(name, 'claim', time, owner);
      await store.replace(name, 'claim', text, time);
    };
    const of = async (owner: string, count: number): Promise<number> => {
      const values = Array.from({ length: count }, (_unused, i) =>
        store.claim(`${owner} ${i}`, 'again', TIME),
      );
      return (await Promise.all(values)).filter((value) => value !== undefined && value !== 'again').length;
    };
    const few = Array.from({ length: 20 }, (_unused, i) => `user ${i}`);
    for (const user of few.slice(0, 10)) for (const i of [0, 1]) await add(`${user} ${i}`, user, 'a');
    for (let i = 0; i < 10_000; i++) await add(`flood ${i}`, 'flood', 'x'.repeat(length));
    // after the flood, what is left of it goes first
    for (const user of few.slice(10)) for (const i of [0, 1]) await add(`${user} ${i}`, user, 'a');
    for (const user of few) expect([user, await of(user, 2)]).toEqual([user, 2]);
    expect(await of('flood', 10_000)).toBeGreaterThan(20);
    // expired ones go before all others
    const brief = memoryOnce({ maxKeys: 2 });
    await brief.claim('old', 'claim', 0, 'one');
    await brief.replace('old', 'claim', 'answer', -1);
    for (const name of ['a', 'b']) {
      await brief.claim(name, 'claim', TIME, 'two');
      await brief.replace(name, 'claim', name, TIME);
    }
    expect(await brief.claim('a', 'again', TIME)).toBe('a');
  });
});
