import { Adapter, type BroadcastOptions } from 'socket.io-adapter';
import { MemoryAdapter } from '../../lib/server/rooms/memory-adapter.js';

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

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const ROOMS = ['x', 'y'];

/** Walks over a room while its members come and go, and returns whom the walks have visited. */
function visitedBy(adapter: Adapter, seed: number): unknown[] {
  const next = numbers(seed);
  const visited: unknown[] = [];
  let changes = 0;
  const pick = (): string => IDS[next(IDS.length)]!;
  const room = (): string => ROOMS[next(ROOMS.length)]!;
  for (let i = 0; i < 8; i++) void adapter.addAll(pick(), new Set([room()]));
  const walk = (depth: number): void => {
    const except = next(4) === 0 ? new Set([room()]) : new Set<string>();
    (adapter as unknown as Walker).apply({ rooms: new Set([room()]), except }, (id) => {
      visited.push([depth, id]);
      // as many changes as end: a member that leaves and joins for ever would be visited for ever
      if (++changes > 12) return;
      const change = next(6);
      if (change === 0) void adapter.del(pick(), room());
      else if (change === 1) adapter.delAll(pick());
      else if (change === 2) void adapter.addAll(pick(), new Set([room()]));
      else if (change === 3 && depth < 2) walk(depth + 1);
      else if (change === 4) {
        adapter.delAll(id as string);
        void adapter.addAll(id as string, new Set(ROOMS));
      }
    });
  };
  for (let i = 0; i < 3; i++) walk(0);
  return visited;
}

it('reaches whom the adapter of Socket.IO reaches, also while members come and go', () => {
  // "f" is a member without a socket, as the observers of a room are
  const nsp = { sockets: new Map(IDS.slice(0, 5).map((id) => [id, id])), server: {} };
  for (let seed = 1; seed <= 3_000; seed++) {
    const expected = visitedBy(new Adapter(nsp), seed);
    expect([seed, visitedBy(new MemoryAdapter(nsp), seed)]).toEqual([seed, expected]);
  }
});

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
