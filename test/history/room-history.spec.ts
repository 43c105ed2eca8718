import { io } from 'socket.io-client';
import { memoryHistory, roomHistory, type HistoryStore } from '../../lib/history/index.js';
import { type EnvelopeOptions, RoomLimitError } from '../../lib/index.js';
import { socketIO } from '../../lib/socketio/index.js';
import { Bus } from '../support/bus.js';
import { until } from '../support/wait.js';
import { startNode, type HistoryNode } from './gateway.js';
import { RoomClient } from './room-client.js';

const rooms = { 'chat:*': { size: 5 }, old: { ttl: 1 } };

async function start(options: EnvelopeOptions = {}, store?: HistoryStore): Promise<HistoryNode> {
  return startNode({ history: roomHistory({ rooms, ...(store && { store }) }), ...options });
}

function say({ server }: HistoryNode, room: string, ...texts: string[]): void {
  for (const text of texts) server.to(room).emit('said', text);
}

describe('a room with a history', () => {
  let node: HistoryNode;
  beforeEach(async () => {
    node = await start();
  });
  const join = () => new RoomClient().connect(node.app);

  it('sends the last messages to a client that joins, then those that follow', async () => {
    say(node, 'chat:1', 'a', 'b', 'c');
    const client = await join();
    expect(await client.enter('chat:1', 2)).toEqual({ complete: true, replayed: 2 });
    say(node, 'chat:1', 'd');
    await client.client.settled();
    expect(client.payloads()).toEqual(['b', 'c', 'd']);
    expect(client.messages.map(({ meta }) => meta?.replayed)).toEqual([true, true, undefined]);
    expect(client.messages.map(({ meta }) => meta?.room)).toEqual(['chat:1', 'chat:1', 'chat:1']);
  });

  it('sends what a client missed, also if the room was empty before', async () => {
    const client = await join();
    expect(await client.enter('chat:1')).toEqual({ complete: true, replayed: 0 });
    await client.cut();
    say(node, 'chat:1', 'a', 'b');
    await client.connect(node.app);
    expect(await client.enter('chat:1')).toEqual({ complete: true, replayed: 2 });
    expect(client.payloads()).toEqual(['a', 'b']);
  });

  it('sends nothing to a client that is in the room already', async () => {
    const client = await join();
    await client.enter('chat:1');
    say(node, 'chat:1', 'a');
    expect(await client.enter('chat:1', 5)).toEqual({ complete: true, replayed: 0 });
    expect(client.payloads()).toEqual(['a']);
  });

  it('says that messages are missing if they were deleted, or the position is unknown', async () => {
    const client = await join();
    await client.enter('chat:1');
    await client.cut();
    say(node, 'chat:1', 'a', 'b', 'c', 'd', 'e', 'f');
    await client.connect(node.app);
    expect(await client.enter('chat:1')).toEqual({ complete: false, replayed: 5 });
    for (const after of ['', 'x', 'other:1@other.1', ',', 'a:b:c', 7, null, {}, 'x'.repeat(10_000)]) {
      const other = await join();
      const { data } = await other.client.ask('enter', { room: 'chat:2', after, rewind: 1 });
      expect(data).toEqual({ complete: false, replayed: 0 });
    }
  });

  it('keeps a message of several rooms in each of them', async () => {
    node.server.to('chat:1').to('other').to('chat:2').emit('said', 'a');
    for (const room of ['chat:1', 'chat:2']) {
      const client = await join();
      await client.enter(room, 5);
      expect(client.payloads()).toEqual(['a']);
    }
  });

  it('does not keep requests, volatile and local messages, and those to other rooms', async () => {
    const { server } = node;
    server.to('chat:1').volatile.emit('said', 'volatile');
    server.to('chat:1').local.emit('said', 'local');
    server.emit('said', 'all');
    await server.to('chat:1').emitWithAck('said', 'request');
    say(node, 'rest', 'rest');
    expect(await server.history('chat:1').read()).toEqual([]);
  });

  it('does not send messages to those that they excepted', async () => {
    const [one, two] = [await join(), await join()];
    await one.client.ask('say', { room: 'chat:1', text: 'from one' });
    await one.enter('chat:1', 5);
    await two.enter('chat:1', 5);
    expect([one.payloads(), two.payloads()]).toEqual([[], ['from one']]);
  });

  it('keeps several arguments, metadata of others, and no payload', async () => {
    const { server } = node;
    server.to('chat:1').emit('said', 1, [2]);
    server.to('chat:1').emit('said');
    const client = await join();
    await client.enter('chat:1', 5);
    expect(client.payloads()).toEqual([[1, [2]], undefined]);
    const page = await server.history('chat:1').read();
    expect(page.map(({ event, data }) => [event, data])).toEqual([
      ['said', [1, [2]]],
      ['said', undefined],
    ]);
    expect(() => server.to('chat:1').emit('said', new Map())).toThrow(TypeError);
    expect(await server.history('chat:1').read()).toHaveLength(2);
  });

  it('reaches clients of Socket.IO and bare ones as ordinary events', async () => {
    node = await start({ transports: [socketIO()] });
    say(node, 'chat:1', 'a', 'b', 'c');
    const socket = io(`http://127.0.0.1:${node.app.port}/ws`, { transports: ['websocket'] });
    const received: unknown[] = [];
    socket.onAny((...args: unknown[]) => received.push(args));
    expect(await socket.emitWithAck('enter', { room: 'chat:1', rewind: 2 })).toEqual({
      complete: true,
      replayed: 2,
    });
    say(node, 'chat:1', 'd');
    await until('the live message', () => received.length === 3);
    expect(received).toEqual([
      ['said', 'b'],
      ['said', 'c'],
      ['said', 'd'],
    ]);
    socket.disconnect();
    const bare = await node.app.connect('/ws');
    await bare.ask('enter', { room: 'chat:1', rewind: 2 });
    expect(bare.frames.map(({ event, data }) => [event, data as unknown]).slice(0, 2)).toEqual([
      ['said', 'c'],
      ['said', 'd'],
    ]);
  });

  it('is read in pages, and deleted', async () => {
    say(node, 'chat:1', 'a', 'b', 'c', 'd', 'e');
    const history = node.server.history('chat:1');
    const [d, e] = await history.read({ limit: 2 });
    expect([d!.data, e!.data]).toEqual(['d', 'e']);
    const [b, c] = await history.read({ before: d!.position, limit: 2 });
    expect([b!.data, c!.data]).toEqual(['b', 'c']);
    expect((await history.read({ after: b!.position, limit: 2 })).map(({ data }) => data)).toEqual([
      'c',
      'd',
    ]);
    expect(Math.abs(Date.now() - e!.time)).toBeLessThan(10_000);
    const client = await join();
    await client.enter('chat:1', 1);
    await client.cut();
    // the position of a message that arrived while the client was in the room
    const live = await join();
    await live.enter('chat:1');
    say(node, 'chat:1', 'f');
    await live.client.settled();
    expect(live.payloads()).toEqual(['f']);
    const before = live.messages[0]!.meta!.position!;
    expect((await history.read({ before, limit: 1 })).map(({ data }) => data)).toEqual(['e']);
    await expect(history.read({ before: 'x' })).rejects.toThrow('the position of a message');
    await expect(history.read({ limit: 0 })).rejects.toThrow('history.read: limit is 0');
    await history.drop();
    expect(await history.read()).toEqual([]);
    await client.connect(node.app);
    expect(await client.enter('chat:1')).toEqual({ complete: false, replayed: 0 });
  });

  it('forgets messages after their time', async () => {
    say(node, 'old', 'a');
    await until('the message is old', async () => (await node.server.history('old').read()).length === 0);
  });

  it('refuses rooms without a history, and those that a client may not join', async () => {
    const client = await join();
    const { data } = await client.client.ask('enter', { room: 'other' });
    expect(data).toMatchObject({ message: 'Internal server error' });
    const { data: refused } = await client.client.ask('enter', { room: `chat:${'x'.repeat(300)}` });
    expect(refused).toMatchObject({ code: 'room_limit' });
    expect(RoomLimitError).toBeDefined();
    expect(() => node.server.history('other')).toThrow('has no history');
  });
});

describe('the option history', () => {
  it('is required for the history of a room', async () => {
    const { server } = await startNode({});
    expect(() => server.history('chat:1')).toThrow('the option history is not set');
  });

  it.each([
    [{}, 'rooms is undefined'],
    [{ rooms: {} }, 'rooms is {}'],
    [{ rooms: { 'a*b': {} } }, 'its beginning and an asterisk'],
    [{ rooms: { '*': {} } }, 'its beginning and an asterisk'],
    [{ rooms: { a: 1 } }, "rooms['a'] is 1"],
    [{ rooms: { a: { size: 10_001 } } }, "rooms['a'].size is 10001"],
    [{ rooms: { a: { ttl: 0 } } }, "rooms['a'].ttl is 0"],
    [{ rooms: { a: { sise: 1 } } }, 'Did you mean "size"?'],
    [{ rooms: { a: {} }, store: {} }, 'memoryHistory() or redisHistory(redis)'],
    [{ rooms: { a: {} }, stor: {} }, 'Did you mean "store"?'],
  ])('refuses %j', (options, message) => {
    expect(() => roomHistory(options as never)).toThrow(message);
    expect(() => memoryHistory({ maxBytes: 0 })).toThrow('memoryHistory: maxBytes is 0');
  });

  it('warns about a cluster whose nodes store in their own memory', async () => {
    const { app } = await start({ adapter: new Bus().adapter });
    expect(app.log.of('warn').join()).toContain('redisHistory(redis)');
  });

  it('limits the memory: the rooms without messages for the longest time lose theirs', async () => {
    const node = await start({}, memoryHistory({ maxBytes: 3_000 }));
    for (const room of ['chat:1', 'chat:2', 'chat:3']) say(node, room, 'x'.repeat(700));
    const kept = await Promise.all(
      ['chat:1', 'chat:2', 'chat:3'].map(async (room) => (await node.server.history(room).read()).length),
    );
    expect(kept).toEqual([0, 1, 1]);
  });
});
