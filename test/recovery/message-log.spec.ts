import { jest } from '@jest/globals';
import { MessageLog } from '../../lib/server/recovery/message-log.js';
import { Work } from '../../lib/server/recovery/resume-queue.js';
import { Frame } from '../../lib/server/transport/frame.js';
import { isInTarget } from '../../lib/server/rooms/target.js';
import { newSeed, Random } from '../support/random.js';

const allClients = { rooms: new Set<string>(), except: new Set<string>() };

function fill(log: MessageLog, count: number, server = '/ws', target = allClients, size = 100): void {
  for (let i = 0; i < count; i++) {
    const offset = String(log.advance());
    log.add(server, target, new Frame('x'.repeat(size), true, offset));
  }
}

const offsets = (frames: Frame[] | undefined): (string | undefined)[] | undefined =>
  frames?.map(({ offset }) => offset);

function finish(steps: ReturnType<MessageLog['search']>): Frame[] | undefined {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value?.frames;
  }
}

describe('MessageLog', () => {
  it('returns the messages after a number, in order', () => {
    const log = new MessageLog(60_000, 1_000_000);
    fill(log, 5);
    expect(log.latest).toBe(5);
    expect(offsets(log.since(2, { server: '/ws', rooms: [] }))).toEqual(['3', '4', '5']);
    expect(offsets(log.since(5, { server: '/ws', rooms: [] }))).toEqual([]);
    expect(offsets(log.since(0, { server: '/ws', rooms: [] }))).toEqual(['1', '2', '3', '4', '5']);
  });

  it('returns the messages for the given rooms and server', () => {
    const log = new MessageLog(60_000, 1_000_000);
    fill(log, 1, '/other');
    fill(log, 1, '/ws', { rooms: new Set(['red']), except: new Set() });
    fill(log, 1, '/ws', { rooms: new Set(['red', 'blue']), except: new Set(['green']) });
    fill(log, 1, '/ws', { rooms: new Set(), except: new Set(['red']) });
    expect(offsets(log.since(0, { server: '/ws', rooms: ['red'] }))).toEqual(['2', '3']);
    expect(offsets(log.since(0, { server: '/ws', rooms: ['blue', 'green'] }))).toEqual(['4']);
    expect(offsets(log.since(0, { server: '/other', rooms: [] }))).toEqual(['1']);
  });

  it('returns undefined when the session ended after the number', () => {
    const log = new MessageLog(60_000, 1_000_000);
    fill(log, 1);
    log.advance();
    log.add('/ws', { rooms: new Set(['ada']), except: new Set() }, undefined);
    expect(log.since(0, { server: '/ws', rooms: ['ada'] })).toBeUndefined();
    expect(offsets(log.since(0, { server: '/ws', rooms: ['bob'] }))).toEqual(['1']);
    expect(offsets(log.since(2, { server: '/ws', rooms: ['ada'] }))).toEqual([]);
  });

  it('keeps a limited number of bytes, and reports how far back it reaches', () => {
    const log = new MessageLog(60_000, 30_000);
    fill(log, 1_000, '/ws', allClients, 100);
    expect(log.bytes).toBeLessThanOrEqual(30_000);
    expect(log.reachesBack(0)).toBe(false);
    let kept = 0;
    while (log.reachesBack(1_000 - kept - 1)) kept++;
    expect(kept).toBeGreaterThan(50);
    expect(log.since(1_000 - kept, { server: '/ws', rooms: [] })).toHaveLength(kept);
    expect(log.reachesBack(1_000)).toBe(true);
  });

  it('drops a message that is larger than its limit', () => {
    const log = new MessageLog(60_000, 1_000);
    fill(log, 1, '/ws', allClients, 5_000);
    expect(log.reachesBack(0)).toBe(false);
    expect(log.reachesBack(1)).toBe(true);
    expect(log.since(1, { server: '/ws', rooms: [] })).toEqual([]);
  });

  it('drops messages that are older than its duration', () => {
    jest.useFakeTimers();
    try {
      const log = new MessageLog(1_000, 1_000_000);
      fill(log, 3);
      jest.advanceTimersByTime(1_001);
      fill(log, 1);
      expect(log.reachesBack(2)).toBe(false);
      expect(log.reachesBack(3)).toBe(true);
      expect(offsets(log.since(3, { server: '/ws', rooms: [] }))).toEqual(['4']);
    } finally {
      jest.useRealTimers();
    }
  });

  it('removes a limited number of expired messages for each new one', () => {
    jest.useFakeTimers();
    try {
      const log = new MessageLog(1_000, 100_000_000);
      fill(log, 1_000);
      jest.advanceTimersByTime(1_001);
      fill(log, 1);
      expect(log.reachesBack(99)).toBe(false);
      expect(log.reachesBack(100)).toBe(true);
      expect(log.trim(500)).toBe(false);
      expect(log.reachesBack(599)).toBe(false);
      expect(log.reachesBack(600)).toBe(true);
      expect(log.trim(500)).toBe(true);
      expect(log.reachesBack(1_000)).toBe(true);
      expect(log.reachesBack(999)).toBe(false);
    } finally {
      jest.useRealTimers();
    }
  });

  it('removes as many messages as a large one needs', () => {
    const log = new MessageLog(60_000, 1_000_000);
    fill(log, 1_000, '/ws', allClients, 100);
    fill(log, 1, '/ws', allClients, 900_000);
    expect(log.bytes).toBeLessThanOrEqual(1_000_000);
    expect(log.reachesBack(999)).toBe(true);
    expect(log.reachesBack(100)).toBe(false);
  });

  it('visits only the messages that it returns, not those for other rooms', () => {
    const log = new MessageLog(60_000, 100_000_000);
    const rooms = Array.from({ length: 990 }, (_, index) => `room ${index}`);
    for (let i = 0; i < 50_000; i++)
      fill(log, 1, '/ws', { rooms: new Set([`other ${i % 100}`]), except: new Set() }, 10);
    for (let i = 0; i < 50; i++) fill(log, 1, '/ws', { rooms: new Set([rooms[i]!]), except: new Set() }, 10);
    const work = new Work();
    const { value } = log.search(0, { server: '/ws', rooms }, work).next();
    // two lists per room, and the messages
    expect(work.units).toBeLessThan(2 * 991 + 50 + 1);
    const frames = finish(log.search(0, { server: '/ws', rooms }, new Work()));
    expect(offsets(frames)).toEqual(Array.from({ length: 50 }, (_, i) => String(50_001 + i)));
    expect(value).toBeUndefined();
  });

  it('stops when the result exceeds what a client may have buffered', () => {
    const log = new MessageLog(60_000, 100_000_000);
    fill(log, 10_000, '/ws', allClients, 100);
    const work = new Work();
    const steps = log.search(0, { server: '/ws', rooms: [], maxBytes: 1_000 }, work);
    expect(steps.next()).toEqual({ done: true, value: undefined });
    expect(work.units).toBeLessThan(20);
  });

  it('returns undefined when messages were dropped during the search', () => {
    const log = new MessageLog(60_000, 500_000);
    fill(log, 1_400);
    const steps = log.search(0, { server: '/ws', rooms: [] }, new Work());
    expect(steps.next().done).toBe(false);
    fill(log, 1_400);
    let last = steps.next();
    while (last.done !== true) last = steps.next();
    expect(last.value).toBeUndefined();
  });

  const seed = newSeed();
  it(`returns the same as a linear scan, whatever happens between two steps (SEED=${seed})`, () => {
    const random = new Random(seed);
    let compared = 0;
    let found = 0;
    for (let round = 0; round < 60; round++) {
      const servers = ['/a', '/b', undefined];
      const rooms = Array.from({ length: 1 + random.below(40) }, (_, index) => `room ${index}`);
      const few = (): Set<string> =>
        new Set(random.chance(0.5) ? [] : Array.from({ length: random.below(6) }, () => random.pick(rooms)));
      const log = new MessageLog(60_000, random.pick([20_000, 200_000, 2_000_000]));
      const all: { number: number; server: string | undefined; target: typeof allClients; isEnd: boolean }[] =
        [];
      const emit = (): void => {
        const server = random.pick(servers);
        const target = { rooms: few(), except: few() };
        const isEnd = random.chance(0.001);
        const number = log.advance();
        log.add(server, target, isEnd ? undefined : new Frame('x', true, String(number)));
        all.push({ number, server, target, isEnd });
      };
      const scan = (after: number, until: number, server: string, own: string[]): string[] | undefined => {
        const matches = all.filter(
          (entry) =>
            entry.number > after &&
            entry.number <= until &&
            (entry.server ?? server) === server &&
            isInTarget(own, entry.target),
        );
        return matches.some(({ isEnd }) => isEnd) ? undefined : matches.map(({ number }) => String(number));
      };
      for (let i = random.below(2_000); i > 0; i--) emit();
      for (let i = 0; i < 20; i++) {
        const after = random.below(log.latest + 1);
        const server = random.pick(['/a', '/b']);
        const own = random.some(rooms);
        if (!log.reachesBack(after)) continue;
        const steps = log.search(after, { server, rooms: own }, new Work());
        let last = steps.next();
        while (last.done !== true) {
          for (let more = random.below(200); more > 0; more--) emit();
          last = steps.next();
        }
        const until = last.value?.until ?? log.latest;
        const expected = scan(after, until, server, own);
        if (last.value !== undefined || log.reachesBack(after)) {
          expect(offsets(last.value?.frames)).toEqual(expected);
          // a second search returns the messages that were added since
          if (expected !== undefined)
            expect(offsets(log.since(until, { server, rooms: own }))).toEqual(
              scan(until, log.latest, server, own),
            );
        }
        compared++;
        found += expected?.length ?? 0;
      }
    }
    expect(compared).toBeGreaterThan(400);
    expect(found).toBeGreaterThan(20_000);
  });
});
