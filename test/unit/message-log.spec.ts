import { jest } from '@jest/globals';
import { MessageLog } from '../../lib/recovery/message-log.js';
import { Frame } from '../../lib/server/frame.js';

const everybody = { rooms: new Set<string>(), except: new Set<string>() };

function fill(log: MessageLog, count: number, server = '/ws', target = everybody, size = 100): void {
  for (let i = 0; i < count; i++) {
    const offset = String(log.advance());
    log.add(server, target, new Frame('x'.repeat(size), true, offset));
  }
}

const offsets = (frames: Frame[] | undefined): (string | undefined)[] | undefined =>
  frames?.map(({ offset }) => offset);

describe('MessageLog', () => {
  it('gives what came behind a position, in order', () => {
    const log = new MessageLog(60_000, 1_000_000);
    fill(log, 5);
    expect(log.position).toBe(5);
    expect(offsets(log.since(2, '/ws', []))).toEqual(['3', '4', '5']);
    expect(offsets(log.since(5, '/ws', []))).toEqual([]);
    expect(offsets(log.since(0, '/ws', []))).toEqual(['1', '2', '3', '4', '5']);
  });

  it('gives what was meant for those rooms, of that server', () => {
    const log = new MessageLog(60_000, 1_000_000);
    fill(log, 1, '/other');
    fill(log, 1, '/ws', { rooms: new Set(['red']), except: new Set() });
    fill(log, 1, '/ws', { rooms: new Set(['red', 'blue']), except: new Set(['green']) });
    fill(log, 1, '/ws', { rooms: new Set(), except: new Set(['red']) });
    expect(offsets(log.since(0, '/ws', ['red']))).toEqual(['2', '3']);
    expect(offsets(log.since(0, '/ws', ['blue', 'green']))).toEqual(['4']);
    expect(offsets(log.since(0, '/other', []))).toEqual(['1']);
  });

  it('gives nothing where the session ended meanwhile', () => {
    const log = new MessageLog(60_000, 1_000_000);
    fill(log, 1);
    log.advance();
    log.add('/ws', { rooms: new Set(['ada']), except: new Set() }, undefined);
    expect(log.since(0, '/ws', ['ada'])).toBeUndefined();
    expect(offsets(log.since(0, '/ws', ['bob']))).toEqual(['1']);
    expect(offsets(log.since(2, '/ws', ['ada']))).toEqual([]);
  });

  it('is bounded in bytes, and knows how far back it reaches', () => {
    const log = new MessageLog(60_000, 30_000);
    fill(log, 1_000, '/ws', everybody, 100);
    expect(log.reachesBack(0)).toBe(false);
    expect(log.reachesBack(899)).toBe(false);
    expect(log.reachesBack(900)).toBe(true);
    expect(log.since(900, '/ws', [])).toHaveLength(100);
    expect(log.reachesBack(1_000)).toBe(true);
  });

  it('forgets a message that is larger than all that it may keep', () => {
    const log = new MessageLog(60_000, 1_000);
    fill(log, 1, '/ws', everybody, 5_000);
    expect(log.reachesBack(0)).toBe(false);
    expect(log.reachesBack(1)).toBe(true);
    expect(log.since(1, '/ws', [])).toEqual([]);
  });

  it('forgets what is older than may be asked for', () => {
    jest.useFakeTimers();
    try {
      const log = new MessageLog(1_000, 1_000_000);
      fill(log, 3);
      jest.advanceTimersByTime(1_001);
      fill(log, 1);
      expect(log.reachesBack(2)).toBe(false);
      expect(log.reachesBack(3)).toBe(true);
      expect(offsets(log.since(3, '/ws', []))).toEqual(['4']);
    } finally {
      jest.useRealTimers();
    }
  });
});
