import { inspect } from 'node:util';
import { Adapter, type BroadcastOptions } from 'socket.io-adapter';
import { enterRooms, listOfRooms, MemoryAdapter } from '../../lib/server/rooms/memory-adapter.js';

interface Walker {
  apply(options: Pick<BroadcastOptions, 'rooms' | 'except'>, callback: (id: unknown) => void): void;
}

/** Numbers that look random, and are the same for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

const EVENTS = ['create-room', 'join-room', 'leave-room', 'delete-room'];

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const ROOMS = ['x', 'y'];
/** With these, a client is in more rooms than a list keeps. */
const MANY = Array.from({ length: 9 }, (_, i) => `many ${i}`);

/** The Sets of a Map as lists. */
function listsOf(map: ReadonlyMap<string, ReadonlySet<string>>): unknown {
  return [...map].map(([key, values]) => [key, ...values]);
}

/**
 * Walks over a room while its members come and go, and returns whom the walks have visited, what the listeners of some events
 * have seen, and what is left.
 */
function visitedBy(adapter: Adapter, seed: number): unknown[] {
  const next = numbers(seed);
  const visited: unknown[] = [];
  let changes = 0;
  const pick = (): string => IDS[next(IDS.length)]!;
  const named = seed % 4 === 0 ? [...ROOMS, ...MANY] : ROOMS;
  // also the room of a client itself
  const room = (): string => (next(3) === 0 ? pick() : named[next(named.length)]!);
  const listen = (): void => {
    for (const event of EVENTS.slice(next(5)))
      adapter.on(event, (name: string, id: string | undefined) => {
        const { rooms, sids } = adapter;
        // a look at some of them only: it makes the Set
        visited.push([event, name, id, id !== undefined && seed % 2 === 0 && sids.has(id), rooms.has(name)]);
        // a client that leaves all rooms, and joins another one meanwhile
        if (id !== undefined && seed % 5 === 0 && ++changes < 6) void enterRooms(adapter, id, [room()]);
        if (seed % 3 === 0) visited.push([...(rooms.get(name) ?? [])], id && [...(sids.get(id) ?? [])]);
      });
  };
  const isLate = seed % 7 < 3;
  if (!isLate) listen();
  for (const id of IDS.slice(0, next(6))) void enterRooms(adapter, id, [id]);
  for (let i = 0; i < 8; i++) void enterRooms(adapter, pick(), [room()]);
  if (named.length > ROOMS.length) {
    for (const name of MANY.slice(next(4))) void enterRooms(adapter, IDS[next(2)]!, [name]);
    for (let i = 0; i < 6; i++) void adapter.del(IDS[next(2)]!, room());
  }
  if (isLate) listen();
  const walk = (depth: number): void => {
    const except = next(4) === 0 ? new Set([room()]) : new Set<string>();
    const rooms = new Set(next(8) === 0 ? [] : [room(), ...(next(4) === 0 ? [room()] : [])]);
    (adapter as unknown as Walker).apply({ rooms, except }, (id) => {
      visited.push([depth, id]);
      // as many changes as end: a member that leaves and joins for ever would be visited for ever
      if (++changes > 12) return;
      const change = next(7);
      if (change === 0) void adapter.del(pick(), room());
      else if (change === 1) adapter.delAll(pick());
      else if (change === 2) void enterRooms(adapter, pick(), [room()]);
      else if (change === 3 && depth < 2) walk(depth + 1);
      else if (change === 4) {
        adapter.delAll(id as string);
        void adapter.addAll(id as string, new Set(ROOMS));
      } else {
        adapter.delAll(id as string);
        for (const other of [pick(), pick()]) void adapter.addAll(other, rooms);
      }
    });
  };
  for (let i = 0; i < 3; i++) walk(0);
  if (next(2) === 0) visited.push(adapter.socketRooms(pick()), adapter.rooms.get(room()));
  return [...visited, listsOf(adapter.rooms), listsOf(adapter.sids)];
}

it('reaches whom the adapter of Socket.IO reaches, and keeps what it keeps, also while members come and go', () => {
  // "f" is a member without a socket, as the observers of a room are
  const nsp = { sockets: new Map(IDS.slice(0, 5).map((id) => [id, id])), server: {} };
  for (let seed = 1; seed <= 2_000; seed++) {
    const expected = visitedBy(new Adapter(nsp), seed);
    expect([seed, visitedBy(new MemoryAdapter(nsp), seed)]).toEqual([seed, expected]);
  }
});

it('shows Sets of a room and of a client, which stay live', () => {
  const adapter = new MemoryAdapter({ sockets: new Map(), server: {} });
  void adapter.addAll('a', new Set(['a', 'x']));
  expect(adapter.rooms).toEqual(
    new Map([
      ['a', new Set(['a'])],
      ['x', new Set(['a'])],
    ]),
  );
  expect(inspect(adapter.sids)).toBe("Map(1) { 'a' => Set(2) { 'a', 'x' } }");
  const [rooms, members] = [adapter.socketRooms('a'), adapter.rooms.get('x')];
  void adapter.addAll('a', new Set(['y']));
  void adapter.addAll('b', new Set(['b', 'x']));
  expect([...rooms!]).toEqual(['a', 'x', 'y']);
  expect([...members!]).toEqual(['a', 'b']);
  const seen: unknown[] = [];
  adapter.rooms.forEach((value, key) => seen.push([key, ...value]));
  expect(seen).toEqual([
    ['a', 'a'],
    ['x', 'a', 'b'],
    ['y', 'a'],
    ['b', 'b'],
  ]);
  expect([...adapter.sids.values()].map((value) => value.size)).toEqual([3, 2]);
  adapter.delAll('a');
  expect([rooms!.size, [...adapter.rooms.keys()]]).toEqual([3, ['x', 'b']]);
});

it('removes a client also from a room that a listener puts it into while it leaves', () => {
  const adapter = new MemoryAdapter({ sockets: new Map(), server: {} });
  adapter.once('leave-room', (_: string, id: string) => adapter.addAll(id, new Set(['y'])));
  void adapter.addAll('a', new Set(['a', 'x']));
  adapter.delAll('a');
  expect([adapter.rooms.size, adapter.sids.size]).toEqual([0, 0]);
});

it('keeps the rooms of a client in their order, however many they are, and whether code has the Set or not', () => {
  const [ours, original] = [MemoryAdapter, Adapter].map((Class) => new Class({ server: {} })) as [
    Adapter,
    Adapter,
  ];
  const next = numbers(7);
  // rooms may be numbers, too
  const rooms = ['a', ...Array.from({ length: 14 }, (_, i) => (i % 3 === 0 ? i : `room ${i}`))] as string[];
  for (let i = 0; i < 2_000; i++) {
    const room = rooms[next(i % 200 < 100 ? 5 : rooms.length)]!;
    const [change, isRead] = [next(20), next(30) === 0];
    for (const adapter of [ours, original])
      if (change === 0) adapter.delAll('a');
      else if (change < 8) void adapter.del('a', room);
      else void enterRooms(adapter, 'a', [room]);
    const list = listOfRooms(ours, 'a');
    const expected = original.socketRooms('a');
    expect([i, list?.size, rooms.filter((name) => list?.has(name))]).toEqual([
      ...[i, expected?.size, rooms.filter((name) => expected?.has(name))],
    ]);
    if (isRead) expect([...(ours.sids.get('a') ?? [])]).toEqual([...(expected ?? [])]);
  }
});

it('calls a function that the application puts in place of addAll or emit', () => {
  const adapter = new MemoryAdapter({ server: {} });
  const calls: unknown[] = [];
  const { emit } = adapter;
  adapter.emit = (...args) => {
    calls.push(args);
    return Reflect.apply(emit, adapter, args);
  };
  void enterRooms(adapter, 'a', ['x']);
  adapter.delAll('a');
  expect(calls.splice(0)).toEqual([
    ['create-room', 'x'],
    ['join-room', 'x', 'a'],
    ['leave-room', 'x', 'a'],
    ['delete-room', 'x'],
  ]);
  adapter.addAll = (...args) => void calls.push(args);
  void enterRooms(adapter, 'a', ['x']);
  expect(calls).toEqual([['a', new Set(['x'])]]);
});

it.each(['on', 'once', 'addListener', 'prependListener', 'prependOnceListener'] as const)(
  'emits to a listener of %s',
  (method) => {
    const adapter = new MemoryAdapter({ server: {} });
    void enterRooms(adapter, 'a', ['x']);
    const rooms: unknown[] = [];
    adapter[method]('join-room', (room) => rooms.push(room));
    void enterRooms(adapter, 'a', ['y']);
    expect(rooms).toEqual(['y']);
  },
);

it('walks again after a callback that threw', () => {
  const nsp = { sockets: new Map([['a', 'a']]), server: {} };
  const adapter = new MemoryAdapter(nsp);
  void adapter.addAll('a', new Set(['x']));
  const walker = adapter as unknown as Walker;
  const walk = (callback: (id: unknown) => void): void =>
    walker.apply({ rooms: new Set(['x']), except: new Set() }, callback);
  expect(() =>
    walk(() => {
      throw new Error('thrown');
    }),
  ).toThrow('thrown');
  const visited: unknown[] = [];
  walk((id) => visited.push(id));
  expect(visited).toEqual(['a']);
});
