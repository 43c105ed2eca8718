import { startApp } from '../support/app.js';
import {
  EmitModelGateway,
  ModelRun,
  connectModelClient,
  receivedLines,
  type ModelClient,
} from '../support/emit-model.js';
import { newSeed, Random } from '../support/random.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';

const SOCKETS = 6;
const SLOW = 3;
const ROUNDS = 15;
const LIMIT = 100_000;

/** Makes the client stopReading reading and fills its share of the kernel's buffers. */
async function stopReading({ client, socket }: ModelClient): Promise<number> {
  client.ws.pause();
  let sent = 0;
  do {
    socket.emit('bulk', 'x'.repeat(60_000));
    sent++;
    // What the kernel accepts has left the buffer by the next turn.
    await new Promise((resolve) => setImmediate(resolve));
  } while (socket.bufferedAmount === 0);
  return sent;
}

describe('every socket receives its frames in the order of the calls while some do not read', () => {
  expectNoUnhandledErrors();

  it.each([
    ['plain', false],
    ['with permessage-deflate', true],
  ])('%s', async (_name, perMessageDeflate) => {
    const options = perMessageDeflate ? { perMessageDeflate: { threshold: 100 } } : {};
    const adapter = { ...options, limits: { maxBufferedBytes: LIMIT } };
    const app = await startApp({ providers: [EmitModelGateway] }, { adapter });
    const server = app.adapter.create(0, { path: '/ws' });
    const ends = { open: 0, 1000: 0, 1013: 0 };
    const first = newSeed();
    for (let seed = first; seed < first + ROUNDS; seed++) {
      const seats: ModelClient[] = [];
      while (seats.length < SOCKETS) seats.push(await connectModelClient(app, perMessageDeflate));
      const bulks: number[] = [];
      // One repeated text compresses to almost nothing: compressed connections fill up with random messages instead.
      if (!perMessageDeflate) for (const seat of seats.slice(0, SLOW)) bulks.push(await stopReading(seat));
      await new ModelRun(new Random(seed), server, seats, true).run();
      // The server reports an overflow at the end of the tick.
      await new Promise((resolve) => setImmediate(resolve));
      for (const [index, seat] of seats.entries()) {
        const { client, socket, expected } = seat;
        client.ws.resume();
        if (socket.connected) await client.next('end');
        const code = socket.connected ? 'open' : (await client.ended()).code;
        expect(code === 1013 || code === 1000 || code === 'open').toBe(true);
        ends[code as keyof typeof ends]++;
        const bulk = client.frames.splice(0, client.frames.length).filter(({ event }) => event !== 'bulk');
        expect(bulk.length).toBeLessThanOrEqual(expected.length + 2);
        client.frames.push(...bulk);
        const got = receivedLines(seat);
        // A client that was closed for slow reading misses the message that was too much and all later ones, but no earlier one.
        const due = code === 1013 ? expected.slice(0, got.length) : expected;
        expect({ seed, index, code, got }).toEqual({ seed, index, code, got: due });
        client.ws.terminate();
      }
      await Promise.all(seats.map(({ client }) => client.ended()));
      seats.forEach(({ socket }) => socket.terminate());
    }
    // The test proves something only if some clients stay open and some are closed.
    expect(ends.open).toBeGreaterThan(0);
    if (!perMessageDeflate) expect(ends[1013]).toBeGreaterThan(0);
    expect(server.sockets.size).toBe(0);
    expect(server.adapter.rooms.size).toBe(0);
  });
});
