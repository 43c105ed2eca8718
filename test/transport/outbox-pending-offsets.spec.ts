import { PassThrough } from 'node:stream';
import { Frame, PendingOffset } from '../../lib/server/transport/frame.js';
import { bytesOf, Outbox, type OutboxTransport } from '../../lib/server/transport/outbox.js';

/** An open connection, and the texts of the frames that were written to it. */
function open(limit = 1_000_000, known: readonly string[] = []) {
  const tcp = new PassThrough();
  const seen = { overflows: 0, offsets: [] as string[], withoutOffset: 0 };
  const transport: OutboxTransport = {
    isOpen: true,
    takesFrames: true,
    get unwrittenBytes() {
      return tcp.writableLength;
    },
    get needsDrain() {
      return tcp.writableNeedDrain;
    },
    get isBusy() {
      return tcp.writableNeedDrain;
    },
    write(items) {
      const bytes = bytesOf(items);
      tcp.write(bytes);
      return bytes.length;
    },
    onOverflow: () => void seen.overflows++,
    shouldSend: (offset) =>
      offset === undefined
        ? ++seen.withoutOffset > 0
        : !known.includes(offset) && seen.offsets.push(offset) > 0,
  };
  const outbox = new Outbox(transport, limit);
  outbox.start();
  const written = (): string[] => {
    outbox.flush();
    const bytes = (tcp.read() as Buffer | null) ?? Buffer.alloc(0);
    const texts: string[] = [];
    for (let at = 0; at < bytes.length; at += 2 + bytes[at + 1]!)
      texts.push(bytes.subarray(at + 2, at + 2 + bytes[at + 1]!).toString());
    return texts;
  };
  const pendingOffset = (event: string): PendingOffset => {
    const offset = new PendingOffset();
    outbox.pushPending(new Frame(`{"event":"${event}"}`, true, offset));
    return offset;
  };
  return { outbox, seen, written, pendingOffset };
}

const withOffset = (event: string, offset: string): Frame =>
  new Frame(`{"event":"${event}"}`, true, offset).withOffset;

describe('Outbox, with messages that wait for their offset in the log', () => {
  it('holds back frames that were pushed after such a message, and no earlier ones', () => {
    const { outbox, written, pendingOffset } = open();
    outbox.push('before');
    const a = pendingOffset('a');
    outbox.push('after a');
    const b = pendingOffset('b');
    outbox.push('after b');
    expect(written()).toEqual(['before']);
    b.settle('2');
    expect(written()).toEqual([]);
    a.settle('1');
    expect(written()).toEqual([
      '{"event":"a","offset":"1"}',
      'after a',
      '{"event":"b","offset":"2"}',
      'after b',
    ]);
    outbox.push('after');
    expect(written()).toEqual(['after']);
  });

  it('sends frames with an offset before frames that wait for one', () => {
    const { outbox, written, pendingOffset } = open();
    const own = pendingOffset('own');
    outbox.push('direct');
    outbox.pushAhead(withOffset('other', '1'));
    expect(written()).toEqual(['{"event":"other","offset":"1"}']);
    own.settle('2');
    expect(written()).toEqual(['{"event":"own","offset":"2"}', 'direct']);
  });

  it('sends a frame that gets no offset without one, and skips frames that the client already has', () => {
    const { seen, written, pendingOffset } = open(1_000_000, ['2']);
    const [lost, known, due] = [pendingOffset('lost'), pendingOffset('known'), pendingOffset('due')];
    lost.settle(undefined);
    known.settle('2');
    due.settle('3');
    expect(written()).toEqual(['{"event":"lost"}', '{"event":"due","offset":"3"}']);
    expect(seen.offsets).toEqual(['3']);
  });

  it('does not send, when the connection closes, what it will send after a reconnection', () => {
    const { outbox, written, pendingOffset } = open();
    const a = pendingOffset('a');
    outbox.push('answer');
    outbox.close(true);
    expect(written()).toEqual(['answer']);
    a.settle('1');
    expect(written()).toEqual([]);
  });

  it('sends everything when the client cannot reconnect', () => {
    const { outbox, written, pendingOffset } = open();
    pendingOffset('a');
    outbox.push('answer');
    outbox.close(false);
    expect(written()).toEqual(['{"event":"a"}', 'answer']);
  });

  it('stops waiting when ws itself is about to write', () => {
    const { outbox, written, pendingOffset } = open();
    pendingOffset('a');
    outbox.push('b');
    outbox.precede(10);
    expect(written()).toEqual(['{"event":"a"}', 'b']);
  });

  it('limits and counts the bytes that wait', async () => {
    const { outbox, seen, written, pendingOffset } = open(1_000);
    const a = pendingOffset('a');
    outbox.push('x'.repeat(500));
    expect(outbox.bufferedAmount).toBe(513);
    outbox.push('x'.repeat(500));
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen.overflows).toBe(1);
    a.settle('1');
    outbox.push('after');
    expect(written()).toEqual([]);
  });

  it('moves each waiting message only a few times, for any number of messages', () => {
    const COUNT = 10_000;
    const { outbox, pendingOffset } = open();
    const offsets = Array.from({ length: COUNT }, (_, i) => pendingOffset(`e${i}`));
    let moved = 0;
    const splice = Array.prototype.splice;
    try {
      Array.prototype.splice = function (this: unknown[], ...args: Parameters<typeof splice>) {
        const removed = splice.apply(this, args);
        moved += this.length;
        return removed;
      } as typeof splice;
      offsets.forEach((offset, i) => offset.settle(`1-${i}`));
    } finally {
      Array.prototype.splice = splice;
    }
    expect(outbox.bufferedAmount).toBeGreaterThan(0);
    expect(moved).toBeGreaterThan(0);
    expect(moved).toBeLessThan(2 * COUNT);
  });
});
