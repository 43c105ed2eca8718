import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { RequestError, type ClientSocket } from '../../lib/client/node.js';
import {
  reliable,
  storageOutbox,
  type ReliableOptions,
  type StorageLike,
  type StoredMessage,
} from '../../lib/client/reliable.js';
import { client, faultyNetworkTo, next } from '../client/fixture.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import { coded } from '../support/error-code.js';
import type { FaultyNetwork } from '../support/faulty-network.js';
import { until } from '../support/wait.js';
import { OnceGateway } from './fixture.js';

interface Emits {
  message: (text: string, answer: (value: { text: string; n: number }) => void) => void;
  slow: (data: number, answer: (value: string) => void) => void;
  fail: (kind: string, answer: (value: never) => void) => void;
  large: (data: number, answer: (value: string) => void) => void;
  nothing: () => void;
  plain: () => void;
}
type Socket = ClientSocket<Record<string, never>, Emits>;

const QUICK: ReliableOptions = { retryDelay: 5 };

interface Stage {
  app: TestApp;
  gateway: OnceGateway;
  network: FaultyNetwork;
  socket: Socket;
}

/** A client behind a network that can fail. */
async function stage(options?: AppOptions, path = '/ws'): Promise<Stage> {
  const app = await startApp({ providers: [OnceGateway] }, options);
  const network = await faultyNetworkTo(app.port);
  const socket = client(app.url(path, network.port), {
    reconnectionDelay: 1,
    reconnectionDelayMax: 2,
  }) as unknown as Socket;
  await next(socket as never, 'connect');
  return { app, gateway: app.nest.get(OnceGateway), network, socket };
}

/** A storage as that of a browser. */
class MemoryStorage implements StorageLike {
  readonly items = new Map<string, string>();
  getItem = (name: string): string | null => this.items.get(name) ?? null;
  setItem = (name: string, value: string): void => void this.items.set(name, value);
  removeItem = (name: string): void => void this.items.delete(name);
}

describe('reliable', () => {
  const { warn } = console;
  let warnings: string[];
  beforeEach(() => {
    warnings = [];
    console.warn = (text: string) => void warnings.push(text);
  });
  afterEach(() => void (console.warn = warn));

  it('sends messages in order, with answers, and rejects with exceptions of the application', async () => {
    const { gateway, socket } = await stage();
    const send = reliable(socket, QUICK);
    const answers = ['a', 'b', 'c'].map((text) => send.emitWithAck('message', text));
    expect(send.pending).toBe(3);
    expect(await Promise.all(answers)).toEqual(['a', 'b', 'c'].map((text, i) => ({ text, n: i + 1 })));
    expect(await send.emit('nothing')).toBeUndefined();
    await expect(send.emitWithAck('fail', 'ws')).rejects.toThrow(RequestError);
    await expect(send.emit('fail', 'unknown')).rejects.toThrow('Internal server error');
    expect(gateway.calls.slice(4)).toEqual(['fail ws', 'fail unknown']);
    expect(new Set(gateway.keys).size).toBe(3);
    for (const key of gateway.keys) expect(key).toMatch(/^[\w-]{22}$/);
    expect(send.pending).toBe(0);
    expect(warnings).toEqual([]);
  });

  it.each(['up', 'down'] as const)(
    'has a message handled once, wherever the line breaks on its way %s',
    async (direction) => {
      const { gateway, network, socket } = await stage();
      const send = reliable(socket, QUICK);
      const before = network.forwarded[direction];
      await send.emitWithAck('message', 'text 0');
      // about: ids and counts grow by digits
      const length = network.forwarded[direction] - before;
      expect(length).toBeGreaterThan(40);
      for (let bytes = 1; bytes <= length; bytes++) {
        network.cutAfter(bytes, direction);
        expect(await send.emitWithAck('message', `text ${bytes}`)).toEqual({
          text: `text ${bytes}`,
          n: bytes + 1,
        });
        network.cutAfter(Infinity, direction);
      }
      expect(gateway.calls).toHaveLength(length + 1);
      expect(network.attempts.length).toBeGreaterThanOrEqual(length);
    },
  );

  it('keeps the order of messages while lines break', async () => {
    const { gateway, network, socket } = await stage();
    const texts = Array.from({ length: 200 }, (_, i) => String(i));
    const seen: string[] = [];
    const { message } = gateway;
    gateway.message = (text, key) => (
      seen.push(text),
      Reflect.apply(message, gateway, [text, key]) as object
    );
    const send = reliable(socket, { ...QUICK, retries: 100 });
    const sent = Promise.all(texts.map((text) => send.emitWithAck('message', text)));
    let isDone = false;
    void sent.finally(() => (isDone = true));
    while (!isDone) {
      network.cut();
      await next(socket as never, 'connect').catch(() => undefined);
      const { pending } = send;
      await until('some messages', () => isDone || send.pending < pending - 5);
    }
    expect((await sent).map(({ text }) => text)).toEqual(texts);
    expect(gateway.calls).toHaveLength(200);
  });

  it('waits for the answer of a handler that runs when the line breaks, and after a timeout', async () => {
    const { gateway, network, socket } = await stage();
    const send = reliable(socket, { ...QUICK, timeout: 100, retries: 1_000 });
    const answer = send.emitWithAck('slow', 1);
    await until('the handler', () => gateway.count('slow') === 1);
    network.cut();
    await next(socket as never, 'connect');
    // one more timeout
    const { up } = network.forwarded;
    await until('another try', () => network.forwarded.up > up + 150);
    gateway.open();
    expect(await answer).toBe('slow 1');
    expect(gateway.count('slow')).toBe(1);
  });

  it('rejects with the last reason after its retries, and goes on with the next message', async () => {
    const { gateway, network, socket } = await stage();
    const undelivered: unknown[] = [];
    const send = reliable(socket, {
      ...QUICK,
      retries: 2,
      timeout: 500,
      onUndelivered: ({ event, args }, error) => undelivered.push([event, args, error]),
    });
    const lost = send.emitWithAck('slow', 1);
    await expect(lost).rejects.toThrow(coded('ERR_ENVELOPE_TIMEOUT'));
    expect(undelivered).toEqual([['slow', [1], expect.objectContaining({ code: 'ERR_ENVELOPE_TIMEOUT' })]]);
    expect(await send.emitWithAck('message', 'next')).toMatchObject({ text: 'next' });
    gateway.open();
    network.close();
  });

  it('sends again after rate_limited', async () => {
    const { gateway, socket } = await stage({
      adapter: { limits: { messagesPerSecond: 50, messageBurst: 3 } },
    });
    const send = reliable(socket, { ...QUICK, retries: 50, retryDelay: 20, parallel: 10 });
    const texts = Array.from({ length: 20 }, (_, i) => String(i));
    await Promise.all(texts.map((text) => send.emit('message', text)));
    expect(gateway.calls).toHaveLength(20);
  });

  it('resolves emit, and rejects emitWithAck, if the answer was too large to be kept', async () => {
    const { gateway, network, socket } = await stage();
    const send = reliable(socket, QUICK);
    network.cutAfter(1_000, 'down');
    expect(await send.emit('large', 1)).toBeUndefined();
    network.cutAfter(1_000, 'down');
    await expect(send.emitWithAck('large', 1)).rejects.toMatchObject({ data: { code: 'already_answered' } });
    expect(gateway.count('large')).toBe(2);
  });

  it('sends once, with a warning, to a server without @Once()', async () => {
    @WebSocketGateway({ path: '/old' })
    class Old {
      readonly calls: string[] = [];
      @SubscribeMessage('message') message(@MessageBody() text: string): string {
        this.calls.push(text);
        return text;
      }
    }
    const app = await startApp({ providers: [Old] });
    const network = await faultyNetworkTo(app.port);
    const socket = client(app.url('/old', network.port)) as unknown as Socket;
    const send = reliable(socket, QUICK);
    expect(await send.emitWithAck('message', 'a')).toBe('a');
    network.cutAfter(1, 'down');
    await expect(send.emitWithAck('message', 'b')).rejects.toThrow(coded('ERR_ENVELOPE_DISCONNECTED'));
    expect(await send.emitWithAck('message', 'c')).toBe('c');
    expect(app.nest.get(Old).calls).toEqual(['a', 'b', 'c']);
    expect(warnings).toEqual([expect.stringContaining('no handler of the server has @Once()')]);
  });

  it('sends what an earlier page left in its outbox first, once', async () => {
    const { app, gateway, network, socket } = await stage();
    const storage = new MemoryStorage();
    const outbox = storageOutbox('chat', storage);
    const before = reliable(socket, { ...QUICK, outbox });
    const first = before.emitWithAck('message', 'one');
    const second = before.emitWithAck('message', 'two');
    await first;
    // the answer to the second one is lost, and the page is gone
    network.isRefusing = true;
    network.cutAfter(1, 'down');
    await until('the handler', () => gateway.count('message') === 2);
    const left = (): StoredMessage[] => JSON.parse(storage.getItem('chat') ?? '[]') as StoredMessage[];
    const third = before.emitWithAck('message', 'three');
    await until('the outbox', () => left().length === 2);
    before.stop();
    socket.disconnect();
    for (const lost of [second, third])
      await expect(lost).rejects.toThrow(coded('ERR_ENVELOPE_DISCONNECTED'));
    expect(left().map(({ args }) => args)).toEqual([['two'], ['three']]);

    const page = client(app.url('/ws')) as unknown as Socket;
    const after = reliable(page, { ...QUICK, outbox });
    expect(await after.emitWithAck('message', 'four')).toEqual({ text: 'four', n: 4 });
    expect(gateway.count('message')).toBe(4);
    await until('the empty outbox', () => storage.getItem('chat') === null);
    after.stop();
    await expect(after.emit('message', 'five')).rejects.toThrow(coded('ERR_ENVELOPE_DISCONNECTED'));
  });

  it('goes on without an outbox that fails, and refuses what JSON cannot carry', async () => {
    const { socket } = await stage();
    const fail = (): never => {
      throw new Error('full');
    };
    const send = reliable(socket, { ...QUICK, outbox: { load: fail, save: fail } });
    expect(await send.emitWithAck('message', 'a')).toMatchObject({ text: 'a' });
    expect(warnings).toContainEqual(expect.stringContaining('the outbox cannot be read: Error: full'));
    expect(warnings).toContainEqual(expect.stringContaining('the outbox cannot be written: Error: full'));
    await expect(send.emit('message', 1n as never)).rejects.toThrow(coded('ERR_ENVELOPE_INVALID_PAYLOAD'));
    await expect(send.emit('connect' as never)).rejects.toThrow(coded('ERR_ENVELOPE_RESERVED_EVENT'));
    expect(send.pending).toBe(0);
  });

  it('checks its options', () => {
    const socket = client('ws://127.0.0.1:1/', { autoConnect: false });
    for (const options of [
      { retries: -1 },
      { parallel: 0 },
      { outbox: {} },
      { retry: 1 },
      { onUndelivered: 1 },
    ])
      expect(() => reliable(socket, options as never)).toThrow(
        coded('ERR_ENVELOPE_INVALID_OPTION', 'reliable: '),
      );
  });

  it('does not send before it is connected, and rejects when the client is closed', async () => {
    const app = await startApp({ providers: [OnceGateway] });
    const socket = client(app.url('/ws'), { autoConnect: false }) as unknown as Socket;
    const storage = new MemoryStorage();
    const send = reliable(socket, { ...QUICK, outbox: storageOutbox('chat', storage) });
    const answer = send.emitWithAck('message', 'early');
    await Promise.resolve();
    expect(send.pending).toBe(1);
    socket.connect();
    expect(await answer).toMatchObject({ text: 'early' });
    socket.disconnect();
    await expect(send.emitWithAck('message', 'late')).rejects.toThrow(coded('ERR_ENVELOPE_DISCONNECTED'));
    socket.connect();
    await send.emit('message', 'again');
    expect(app.nest.get(OnceGateway).calls).toHaveLength(2);
    await until('the outbox', () => storage.getItem('chat')?.includes('again') === false);
    expect(storage.getItem('chat')).toContain('"args":["late"]');
  });
});
