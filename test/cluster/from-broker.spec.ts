import { setImmediate as turn } from 'node:timers/promises';
import { BROKER_TIMEOUT, fromBroker } from '../../lib/server/util/from-broker.js';

const never = new Promise<string>(() => undefined);

/** Keeps the processor busy in turns of 100 ms. */
async function work(turns: number): Promise<string> {
  for (let count = 0; count < turns; count++) {
    const end = performance.now() + 100;
    while (performance.now() < end);
    await turn();
  }
  return 'answer';
}

describe('the wait for a broker', () => {
  it('ends with the fallback where no answer comes', async () => {
    const start = performance.now();
    expect(await fromBroker(never, 'none')).toBe('none');
    expect(performance.now() - start).toBeGreaterThanOrEqual(BROKER_TIMEOUT);
  });

  it('does not count the time in which this process is busy', async () => {
    expect(await fromBroker(work((1.3 * BROKER_TIMEOUT) / 100), 'none')).toBe('answer');
  });

  it('ends where this process is busy for long', async () => {
    let isOver = false;
    const busy = (async () => {
      while (!isOver) await work(1);
    })();
    expect(await fromBroker(never, 'none')).toBe('none');
    isOver = true;
    await busy;
  });

  it('passes on an error', async () => {
    await expect(fromBroker(Promise.reject(new Error('away')), 'none')).rejects.toThrow('away');
  });
});
