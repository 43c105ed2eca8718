import { jest } from '@jest/globals';
import { connect, type ClientSocket } from '../../lib/client/node.js';
import { states, type RoomStates } from '../../lib/client/presence.js';
import type { EnvelopeSocket, SharedNews, SharedState } from '../../lib/index.js';
import { Bus } from '../support/bus.js';
import type { TestClient } from '../support/client.js';
import { stopClock } from '../support/clock.js';
import { until } from '../support/wait.js';
import { ROOM, startNode, textOf, type Node } from './states-fixture.js';

/** Milliseconds for which the server gathers the states of the room `slow`, and between two messages of a client. */
const EVERY = 50;

describe('the times of shared states', () => {
  beforeEach(() => {
    // the network stays real
    stopClock();
  });
  const sockets: ClientSocket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.disconnect();
    jest.useRealTimers();
  });

  const newsOf = (client: TestClient): SharedNews<SharedState>[] =>
    client.frames
      .filter(({ event }) => event === 'states')
      .map(({ data }) => data as SharedNews<SharedState>);

  async function enter({ app }: Node, room: string): Promise<TestClient> {
    const client = await app.connect('/ws');
    await client.ask('join', room);
    return client;
  }

  it('sends each room one message in an interval, whatever twenty clients send on two nodes', async () => {
    const bus = new Bus();
    const nodes = [await startNode({ adapter: bus.adapter }), await startNode({ adapter: bus.adapter })];
    const watchers = await Promise.all(nodes.map((node) => enter(node, 'slow')));
    const clients = await Promise.all(Array.from({ length: 20 }, (_, n) => enter(nodes[n % 2]!, 'slow')));
    const everyone = [...watchers, ...clients];
    const settle = (): Promise<unknown> => Promise.all(everyone.map((client) => client.settled()));
    jest.advanceTimersByTime(EVERY);
    await until('the first list', () => everyone.every((client) => newsOf(client).length === 1));
    const published = bus.published;
    const intervals = 20;
    let value = 0;
    for (let interval = 0; interval < intervals; interval++) {
      // sixty in a second
      for (let update = 0; update < 3; update++)
        for (const client of clients)
          client.send({ event: 'states', data: { room: 'slow', state: ++value } });
      await settle();
      jest.advanceTimersByTime(EVERY);
      await settle();
      for (const client of everyone) expect(newsOf(client).length).toBeLessThanOrEqual(interval + 2);
    }
    // each node has sent the other one as many
    expect(bus.published - published).toBeLessThanOrEqual(2 * intervals);
    const latest = Array.from(clients, (_, index) => value - index);
    const shown = watchers.map((client) => {
      const known = new Map<string, unknown>();
      return () => {
        for (const news of newsOf(client))
          if ('join' in news || 'update' in news)
            for (const { id, state } of [...(news.join ?? []), ...(news.update ?? [])]) known.set(id, state);
        return [...known.values()].sort((a, b) => Number(b) - Number(a));
      };
    });
    for (let interval = 0; interval < 3; interval++) {
      await new Promise((resolve) => setImmediate(resolve));
      await settle();
      jest.advanceTimersByTime(EVERY);
    }
    for (const list of shown)
      await until('the latest states', () => JSON.stringify(list()) === JSON.stringify(latest));
    for (const client of everyone) expect(newsOf(client).length).toBeLessThanOrEqual(intervals + 3);
  });

  it('ends a state after the time to live that its client names', async () => {
    const node = await startNode();
    const [ada, watcher] = [await enter(node, ROOM), await enter(node, ROOM)];
    const told = async (): Promise<unknown> => {
      jest.advanceTimersByTime(5);
      await watcher.settled();
      const { room: _, rev: __, ...news } = newsOf(watcher).at(-1)!;
      return news;
    };
    expect(await told()).toEqual({ all: [] });
    const set = (state: unknown, ttl?: number): Promise<unknown> =>
      ada.ask('states', { room: ROOM, state, ...(ttl !== undefined && { ttl }) });
    await set('typing', 5_000);
    expect(await told()).toEqual({ join: [{ id: expect.any(String), state: 'typing' }] });
    jest.advanceTimersByTime(4_900);
    await set('typing', 5_000);
    jest.advanceTimersByTime(4_900);
    expect(await told()).toEqual({ join: [{ id: expect.any(String), state: 'typing' }] });
    jest.advanceTimersByTime(100);
    expect(await told()).toEqual({ leave: [expect.any(String)] });
    await set('typing', 5_000);
    // without a time to live, it stays
    await set('reading');
    jest.advanceTimersByTime(20_000);
    expect(await told()).toEqual({ join: [{ id: expect.any(String), state: 'reading' }] });
  });

  it('answers a client that asks for the states fifty times at once, then once a second', async () => {
    const ada = await enter(await startNode(), ROOM);
    const ask = async (): Promise<unknown> => (await ada.ask('states', { room: ROOM })).data;
    const refusal = expect.objectContaining({ message: 'states: you ask for the states too often' });
    for (let n = 0; n < 50; n++) expect(await ask()).toBeUndefined();
    expect(await ask()).toEqual(refusal);
    jest.advanceTimersByTime(1_000);
    expect(await ask()).toBeUndefined();
    expect(await ask()).toEqual(refusal);
  });

  /** A client in the room, the number of messages that it sends, and another client there. */
  async function openPage(): Promise<{
    ada: ClientSocket;
    onServer: EnvelopeSocket;
    room: RoomStates;
    sent: () => number;
    others: () => Promise<string>;
  }> {
    const node = await startNode();
    const open = async (): Promise<[ClientSocket, RoomStates]> => {
      const socket = connect(node.app.url('/ws'), { pingInterval: 0 });
      sockets.push(socket);
      const room = states(socket, ROOM);
      await socket.emitWithAck('join', ROOM);
      jest.advanceTimersByTime(5);
      await until('the states', () => room.isCurrent);
      return [socket, room];
    };
    const [[ada, room], [, watching]] = [await open(), await open()];
    let count = 0;
    const onServer = node.server.sockets.get(ada.id!)!;
    onServer.onAny((event) => void (event === 'states' && count++));
    const others = async (): Promise<string> => {
      await ada.emitWithAck('join', 'anywhere');
      jest.advanceTimersByTime(5);
      await sockets[1]!.emitWithAck('join', 'anywhere');
      return textOf(watching.others);
    };
    return { ada, onServer, room, sent: () => count, others };
  }

  it('sends the latest state of a client, at most every 50 ms, and none that has not changed', async () => {
    const { room, sent, others } = await openPage();
    for (let n = 1; n <= 60; n++) {
      room.set({ n });
      jest.advanceTimersByTime(10);
    }
    jest.advanceTimersByTime(EVERY);
    expect(await others()).toBe('{"n":60}');
    expect(sent()).toBe(600 / EVERY + 1);
    for (let n = 1; n <= 60; n++) {
      room.set({ n: 60 });
      jest.advanceTimersByTime(10);
    }
    // there and back again within an interval
    room.set({ n: 61 });
    await others();
    expect(sent()).toBe(14);
    room.set({ n: 62 });
    room.set({ n: 61 });
    jest.advanceTimersByTime(EVERY);
    await others();
    expect(sent()).toBe(14);
    for (let n = 0; n < 10; n++) {
      room.set(null);
      room.set({ n });
    }
    room.set(null);
    jest.advanceTimersByTime(EVERY);
    expect(await others()).toBe('');
    expect(sent()).toBe(15);
  });

  it('renews a state with a time to live only as often as needed', async () => {
    const { room, sent, others } = await openPage();
    const TTL = { ttl: 5_000 };
    for (let key = 0; key < 100; key++) {
      room.set('typing', TTL);
      jest.advanceTimersByTime(100);
      if (key % 10 === 0) expect(await others()).toBe('"typing"');
    }
    expect(await others()).toBe('"typing"');
    // at 0, 2.5, 5, 7.5 and 10 s
    expect(sent()).toBe(5);
    jest.advanceTimersByTime(4_700);
    expect(await others()).toBe('"typing"');
    jest.advanceTimersByTime(300);
    expect(await others()).toBe('');
    const before = sent();
    room.set('typing', TTL);
    expect(await others()).toBe('"typing"');
    expect(sent()).toBe(before + 1);
    jest.advanceTimersByTime(4_970);
    expect(await others()).toBe('"typing"');
    jest.advanceTimersByTime(30);
    expect(await others()).toBe('');
    // the server has ended it by itself
    expect(sent()).toBe(before + 1);
  });

  it('ends a state that its client has ended just before it stops', async () => {
    const { room, others } = await openPage();
    room.set('typing');
    expect(await others()).toBe('"typing"');
    room.set(null);
    room.stop();
    jest.advanceTimersByTime(EVERY);
    expect(await others()).toBe('');
  });

  it('ends a state that crosses a list without it', async () => {
    const { ada, onServer, room, others } = await openPage();
    let lists = 0;
    ada.onAny((event, news: { all?: unknown }) => void (event === 'states' && news.all && lists++));
    onServer.ws.pause();
    room.set('typing');
    // the client is told everything again, before the server has read its state
    await onServer.leave(ROOM);
    await onServer.join(ROOM);
    jest.advanceTimersByTime(5);
    room.set(null);
    await until('the list', () => lists === 1);
    onServer.ws.resume();
    expect(await others()).toBe('"typing"');
    jest.advanceTimersByTime(EVERY);
    expect(await others()).toBe('');
  });
});
