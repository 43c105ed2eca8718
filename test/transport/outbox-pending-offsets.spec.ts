import { PassThrough } from 'node:stream';
import type { WebSocket } from 'ws';
import { Frame, Placement } from '../../lib/server/transport/frame.js';
import { Outbox } from '../../lib/server/transport/outbox.js';

/** An open line, and the texts of the frames that were written to it. */
function open(limit = 1_000_000, known: readonly string[] = []) {
  const tcp = new PassThrough();
  const told = { overflows: 0, offsets: [] as string[] };
  const outbox = new Outbox(tcp, limit, {
    _overflow: () => void told.overflows++,
    _isNew: (offset) => !known.includes(offset) && told.offsets.push(offset) > 0,
  });
  outbox.attach({ readyState: 1 } as WebSocket, false);
  const written = (): string[] => {
    outbox.flush();
    const bytes = (tcp.read() as Buffer | null) ?? Buffer.alloc(0);
    const texts: string[] = [];
    for (let at = 0; at < bytes.length; at += 2 + bytes[at + 1]!)
      texts.push(bytes.subarray(at + 2, at + 2 + bytes[at + 1]!).toString());
    return texts;
  };
  const unplaced = (event: string): Placement => {
    const placement = new Placement();
    outbox.pushUnplaced(new Frame(`{"event":"${event}"}`, true, placement));
    return placement;
  };
  return { outbox, told, written, unplaced };
}

const placed = (event: string, offset: string): Frame =>
  new Frame(`{"event":"${event}"}`, true, offset).positioned;

describe('Outbox, with messages that still get their place in the log', () => {
  it('holds back what was pushed behind such a message, and nothing before', () => {
    const { outbox, written, unplaced } = open();
    outbox.push('before');
    const a = unplaced('a');
    outbox.push('behind a');
    const b = unplaced('b');
    outbox.push('behind b');
    expect(written()).toEqual(['before']);
    b.settle('2');
    expect(written()).toEqual([]);
    a.settle('1');
    expect(written()).toEqual([
      '{"event":"a","offset":"1"}',
      'behind a',
      '{"event":"b","offset":"2"}',
      'behind b',
    ]);
    outbox.push('after');
    expect(written()).toEqual(['after']);
  });

  it('puts what has its place before what has none', () => {
    const { outbox, written, unplaced } = open();
    const own = unplaced('own');
    outbox.push('direct');
    outbox.pushPlaced(placed('other', '1'));
    expect(written()).toEqual(['{"event":"other","offset":"1"}']);
    own.settle('2');
    expect(written()).toEqual(['{"event":"own","offset":"2"}', 'direct']);
  });

  it('sends what never gets a place without one, and what the client had already not again', () => {
    const { told, written, unplaced } = open(1_000_000, ['2']);
    const [lost, had, due] = [unplaced('lost'), unplaced('had'), unplaced('due')];
    lost.settle(undefined);
    had.settle('2');
    due.settle('3');
    expect(written()).toEqual(['{"event":"lost"}', '{"event":"due","offset":"3"}']);
    expect(told.offsets).toEqual(['3']);
  });

  it('keeps for later, at the end of the line, what will be sent when the client is back', () => {
    const { outbox, written, unplaced } = open();
    const a = unplaced('a');
    outbox.push('answer');
    outbox.close(true);
    expect(written()).toEqual(['answer']);
    a.settle('1');
    expect(written()).toEqual([]);
  });

  it('keeps nothing for later where the client does not come back', () => {
    const { outbox, written, unplaced } = open();
    unplaced('a');
    outbox.push('answer');
    outbox.close(false);
    expect(written()).toEqual(['{"event":"a"}', 'answer']);
  });

  it('waits no longer where ws itself is about to write', () => {
    const { outbox, written, unplaced } = open();
    unplaced('a');
    outbox.push('b');
    outbox.precede(10);
    expect(written()).toEqual(['{"event":"a"}', 'b']);
  });

  it('is bounded, and counts what waits', async () => {
    const { outbox, told, written, unplaced } = open(1_000);
    const a = unplaced('a');
    outbox.push('x'.repeat(500));
    expect(outbox.bufferedAmount).toBe(513);
    outbox.push('x'.repeat(500));
    await new Promise((resolve) => setImmediate(resolve));
    expect(told.overflows).toBe(1);
    a.settle('1');
    outbox.push('after');
    expect(written()).toEqual([]);
  });

  it('moves each message that waits a few times only, however many there are', () => {
    const COUNT = 10_000;
    const { outbox, unplaced } = open();
    const places = Array.from({ length: COUNT }, (_, i) => unplaced(`e${i}`));
    let moved = 0;
    const splice = Array.prototype.splice;
    try {
      Array.prototype.splice = function (this: unknown[], ...args: Parameters<typeof splice>) {
        const removed = splice.apply(this, args);
        moved += this.length;
        return removed;
      } as typeof splice;
      places.forEach((place, i) => place.settle(`1-${i}`));
    } finally {
      Array.prototype.splice = splice;
    }
    expect(outbox.bufferedAmount).toBeGreaterThan(0);
    expect(moved).toBeGreaterThan(0);
    expect(moved).toBeLessThan(2 * COUNT);
  });
});
