import { Frame, PendingOffset, type Outgoing } from '../../lib/server/transport/frame.js';
import { Outbox, type OutboxTransport } from '../../lib/server/transport/outbox.js';

const textOf = (item: Outgoing): string => (typeof item === 'string' ? item : String(item.payload));

/** An outbox, and the texts of each write. */
function open({ unwrittenBytes = 0, limit = 1_000_000, start = true } = {}) {
  const writes: string[][] = [];
  const seen = { overflows: 0 };
  const transport: OutboxTransport = {
    isOpen: true,
    takesFrames: true,
    unwrittenBytes,
    needsDrain: false,
    isBusy: false,
    write(items) {
      writes.push(items.map(textOf));
      return items.reduce((sum, item) => sum + item.length, 0);
    },
    onOverflow: () => void seen.overflows++,
    shouldSend: () => true,
  };
  const outbox = new Outbox(transport, limit);
  if (start) outbox.start();
  return { outbox, writes, seen };
}

const endOfTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the answer to the only message in flight', () => {
  it('is written at once', () => {
    const { outbox, writes } = open();
    outbox.pushLast('answer');
    expect(writes).toEqual([['answer']]);
    expect(outbox.bufferedAmount).toBe(0);
  });

  it('goes with what was pushed before, in order', async () => {
    const { outbox, writes } = open();
    outbox.push('one');
    outbox.push(new Frame('two'));
    outbox.pushLast('answer');
    outbox.push('three');
    expect(writes).toEqual([]);
    await endOfTick();
    expect(writes).toEqual([['one', 'two', 'answer', 'three']]);
  });

  it('waits until the connection may write', async () => {
    const { outbox, writes } = open({ start: false });
    outbox.pushLast('answer');
    expect(writes).toEqual([]);
    outbox.start();
    await endOfTick();
    expect(writes).toEqual([['answer']]);
  });

  it('waits behind a message without its position in the log', async () => {
    const { outbox, writes } = open();
    const offset = new PendingOffset();
    outbox.pushPending(new Frame('{"event":"a"}', true, offset));
    outbox.pushLast('answer');
    expect(writes).toEqual([]);
    offset.settle('1');
    await endOfTick();
    expect(writes).toEqual([['{"event":"a","offset":"1"}', 'answer']]);
  });

  it('waits for the end of the tick if it is large, since it could make volatile messages of the tick drop', async () => {
    const { outbox, writes } = open();
    outbox.pushLast('x'.repeat(5_000));
    expect(writes).toEqual([]);
    await endOfTick();
    expect(writes).toHaveLength(1);
  });

  it('overflows at the end of the tick, not in the middle of it', async () => {
    const { outbox, writes, seen } = open({ unwrittenBytes: 200, limit: 100 });
    outbox.pushLast('answer');
    expect(seen.overflows).toBe(0);
    await endOfTick();
    expect(seen.overflows).toBe(1);
    expect(writes).toEqual([]);
  });

  it('is not accepted by an outbox that has ended', async () => {
    const { outbox, writes } = open();
    outbox.end();
    outbox.pushLast('answer');
    await endOfTick();
    expect(writes).toEqual([]);
  });
});
