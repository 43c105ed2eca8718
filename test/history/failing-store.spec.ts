import { jest } from '@jest/globals';
import { roomHistory, type HistoryStore } from '../../lib/history/index.js';
import type { EnvelopeOptions } from '../../lib/index.js';
import { Random } from '../support/random.js';
import { until } from '../support/wait.js';
import { startNode, type HistoryNode } from './gateway.js';
import { RoomClient } from './room-client.js';
import { SlowStore } from './slow-store.js';

const SIZE = 5;
/** Milliseconds for which the rooms `brief:*` keep a message. */
const BRIEF = 300;
const rooms = { 'chat:*': { size: SIZE }, 'brief:*': { ttl: BRIEF }, 'long:*': { size: 10_000 } };

/** Milliseconds. A client waits one and a half seconds for a store that does not answer, and a busy machine adds some. */
const IN_TIME = 10_000;
const INCOMPLETE = { complete: false, replayed: 0 };

function say({ server }: HistoryNode, room: string, ...data: unknown[]): void {
  for (const value of data) server.to(room).emit('said', value);
}

describe('a history whose store fails', () => {
  let store: SlowStore;
  let shared: HistoryStore;
  let node: HistoryNode;
  beforeEach(async () => {
    await start();
  });

  async function start(options: EnvelopeOptions = {}): Promise<void> {
    store = new SlowStore(new Random(1), 0);
    shared = store.connect();
    node = await startNode({ history: roomHistory({ rooms, store: shared }), ...options });
  }
  const join = (): Promise<RoomClient> => new RoomClient().connect(node.app);
  const enter = async (room: string, rewind: number): Promise<unknown> => (await join()).enter(room, rewind);
  const read = async (room: string): Promise<unknown[]> =>
    (await node.server.history(room).read()).map(({ data }) => data as unknown);

  it('tells those who join that messages are missing, until all of that time have aged out', async () => {
    const member = await join();
    await member.enter('chat:1');
    const away = await join();
    await away.enter('chat:1');
    say(node, 'chat:1', 'a');
    await away.client.settled();
    await away.cut();
    store.isFailing = true;
    say(node, 'chat:1', 'lost');
    await store.settled();
    // it is delivered all the same
    await member.client.settled();
    expect(member.payloads()).toEqual(['a', 'lost']);
    expect(await enter('chat:1', SIZE)).toEqual({ complete: false, replayed: 1 });
    await away.connect(node.app);
    expect(await away.enter('chat:1')).toEqual(INCOMPLETE);
    await away.cut();
    store.isFailing = false;
    say(node, 'chat:1', 'b');
    expect(await enter('chat:1', SIZE)).toEqual({ complete: false, replayed: 2 });
    await away.connect(node.app);
    expect(await away.enter('chat:1')).toEqual({ complete: false, replayed: 1 });
    // another room
    say(node, 'chat:2', 'x');
    expect(await enter('chat:2', SIZE)).toEqual({ complete: true, replayed: 1 });
    say(node, 'chat:1', 'c', 'd', 'e', 'f');
    expect(await enter('chat:1', SIZE)).toEqual({ complete: true, replayed: 5 });
    expect(await read('chat:1')).toEqual(['b', 'c', 'd', 'e', 'f']);
    expect(node.app.log.of('error').filter((line) => line.includes('could not be stored')).length).toBe(1);
  });

  it('marks the room by itself when the store is back, and forgets the mark after its time', async () => {
    // The mark lasts as long as the test looks at it, however busy the machine is.
    let time = Date.now();
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => time);
    try {
      store.isFailing = true;
      say(node, 'brief:1', 'lost');
      await store.settled();
      expect(await enter('brief:1', 5)).toEqual(INCOMPLETE);
      store.isFailing = false;
      // another node knows it from the store alone
      const marks = async (): Promise<number> => {
        const limits = { size: 5, ttl: BRIEF };
        return (await shared.read({ path: '/ws', room: 'brief:1' }, { limit: 5 }, limits)).entries.length;
      };
      await until('the mark', async () => (await marks()) === 1);
      time += BRIEF;
      expect(await enter('brief:1', 5)).toEqual(INCOMPLETE);
      time += 1;
      expect(await marks()).toBe(0);
      expect(await enter('brief:1', 5)).toEqual({ complete: true, replayed: 0 });
    } finally {
      clock.mockRestore();
    }
  });

  it('delivers at once while the store stalls, and answers those who join in time', async () => {
    const member = await join();
    await member.enter('chat:1');
    store.stall();
    say(node, 'chat:1', 'a');
    await member.client.settled();
    expect(member.payloads()).toEqual(['a']);
    const newcomer = await join();
    const begin = Date.now();
    const entered = newcomer.enter('chat:1', SIZE);
    // wait until it is in the room
    await until('the join', () => (node.server.adapter.rooms.get('chat:1')?.size ?? 0) === 2);
    say(node, 'chat:1', 'b');
    expect(await entered).toEqual(INCOMPLETE);
    expect(Date.now() - begin).toBeLessThan(IN_TIME);
    say(node, 'chat:1', 'c');
    await newcomer.client.settled();
    expect(newcomer.payloads()).toEqual(['b', 'c']);
    store.resume();
    await store.settled();
    expect(await enter('chat:1', SIZE)).toEqual({ complete: true, replayed: 3 });
    await newcomer.client.settled();
    expect(newcomer.payloads()).toEqual(['b', 'c']);
  });

  it('keeps a bounded number of messages for a store that stalls, and says that others are missing', async () => {
    store.stall();
    const SENT = 10_050;
    for (let i = 0; i < SENT; i++) say(node, 'long:1', i);
    say(node, 'long:2', 'lost');
    store.resume();
    await store.settled();
    const kept = await node.server.history('long:1').read({ limit: 10_000 });
    expect(kept.length).toBe(10_000);
    expect(kept.at(-1)!.data).toBe(9_999);
    say(node, 'long:1', SENT);
    for (const room of ['long:1', 'long:2']) expect(await enter(room, 5)).toMatchObject({ complete: false });
    expect(await enter('long:3', 5)).toEqual({ complete: true, replayed: 0 });
  });

  it('sends live messages alone to a client that has no room for more while it joins', async () => {
    await start({ limits: { maxBufferedBytes: 100_000 } });
    const large = (text: string): string => text.padEnd(10_000, '.');
    store.stall();
    const newcomer = await join();
    const entered = newcomer.enter('chat:1', SIZE);
    await until('the join', () => (node.server.adapter.rooms.get('chat:1')?.size ?? 0) === 1);
    const texts = Array.from({ length: 12 }, (_, i) => large(String(i)));
    for (const text of texts) {
      say(node, 'chat:1', text);
      // written, so that only what is held counts
      await newcomer.client.settled();
    }
    store.resume();
    expect(await entered).toEqual(INCOMPLETE);
    await newcomer.client.settled();
    expect(newcomer.payloads()).toEqual(texts);
  });

  it('replays the last messages that fit a slow reader, and goes on', async () => {
    await start({ limits: { maxBufferedBytes: 1_000_000 } });
    const large = (i: number): string => String(i).padEnd(10_000, '.');
    say(node, 'long:1', ...Array.from({ length: 200 }, (_, i) => large(i)));
    const client = await join();
    const socket = [...node.server.sockets.values()].at(-1)!;
    // it stops reading, and the buffers of the operating system are full
    client.client.ws.pause();
    while (socket.bufferedAmount < 600_000) {
      socket.emit('noise', large(0));
      await new Promise((resolve) => setImmediate(resolve));
    }
    // the server does not read from it either, so it joins by itself
    expect(await socket.join('long:1', { rewind: 200 })).toEqual(INCOMPLETE);
    say(node, 'long:1', 'live');
    expect(socket.bufferedAmount).toBeLessThan(1_000_000);
    client.client.ws.resume();
    await client.client.settled();
    expect(client.payloads()).toEqual(['live']);
    // a quick one receives those that fit
    const quick = await join();
    const { complete, replayed } = await quick.enter('long:1', 200);
    expect([complete, replayed > 40 && replayed < 60]).toEqual([false, true]);
    await quick.client.settled();
    expect(quick.payloads().at(-1)).toBe('live');
    expect(quick.payloads()).toHaveLength(replayed);
  });
});
