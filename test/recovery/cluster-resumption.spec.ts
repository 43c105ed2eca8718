import { ClusterResumption } from '../../lib/server/recovery/cluster-resumption.js';
import type { AdapterSession } from '../../lib/server/recovery/adapter-session.js';
import { compactResumption, type Resumption } from '../../lib/server/recovery/types.js';
import { ENVELOPE } from '../../lib/server/transport/encoding.js';
import { Frame } from '../../lib/server/transport/frame.js';
import { heapBytes } from '../support/heap.js';

/** Resumes a session, and connects its client: returns what is kept until it disconnects, and what it missed. */
function resumed(): { kept: Resumption; missed: WeakRef<Frame>; data: WeakRef<object> } {
  const frame = new Frame('missed', true, '1-1');
  const data = { name: 'Ada' };
  const log = {
    offsetsMissedIn: () => Promise.resolve(undefined),
    pending: () => [],
    endRecording: () => [],
    store: () => undefined,
  };
  const session = { sid: 'a', pid: 'a.b', rooms: ['a'], data, missedPackets: [], server: '/ws' };
  const found = { ...session, sent: '1-0', from: '1-0' } as unknown as AdapterSession;
  const resumption = new ClusterResumption(log, found, '1-0', [frame], ENVELOPE);
  return {
    kept: compactResumption(resumption),
    missed: new WeakRef(frame),
    data: new WeakRef(data),
  };
}

describe('a client that has resumed its session from the log of a cluster', () => {
  it('keeps the offsets of the messages that it missed, and neither those nor its data', async () => {
    const { kept, missed, data } = resumed();
    for (let turn = 0; turn < 3; turn++) {
      // a WeakRef keeps its target alive until the end of the turn in which it was made
      await new Promise((resolve) => setImmediate(resolve));
      heapBytes();
    }
    expect(missed.deref()).toBeUndefined();
    expect(data.deref()).toBeUndefined();
    expect(kept.has('1-1')).toBe(true);
    expect(kept.has('1-2')).toBe(false);
  });
});
