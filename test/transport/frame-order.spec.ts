import type { CompressionOptions } from '../../lib/index.js';
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

const SOCKETS = 8;

describe('every socket receives its frames in the order of the calls', () => {
  expectNoUnhandledErrors();

  it.each<[string, number, boolean | CompressionOptions]>([
    ['plain', 100, false],
    ['with permessage-deflate', 100, { threshold: 100 }],
    ['with a compressor for each connection', 20, { threshold: 100, shared: false }],
  ])('%s', async (_name, rounds, perMessageDeflate) => {
    const isCompressed = perMessageDeflate !== false;
    const options = { perMessageDeflate };
    const app = await startApp({ providers: [EmitModelGateway] }, { adapter: options });
    const server = app.adapter.create(0, { path: '/ws' });
    const first = newSeed();
    for (let seed = first; seed < first + rounds; seed++) {
      const seats: ModelClient[] = [];
      while (seats.length < SOCKETS) seats.push(await connectModelClient(app, isCompressed));
      expect(seats[0]!.socket.extensions !== '').toBe(isCompressed);
      await new ModelRun(new Random(seed), server, seats).run();
      for (const seat of seats) {
        if (seat.isOpen) await seat.client.next('end');
        else expect((await seat.client.ended()).code).toBe(1000);
        // Repeats a failed round: SEED=… npm test -- frame-order
        expect({ seed, got: receivedLines(seat) }).toEqual({ seed, got: seat.expected });
        seat.client.ws.terminate();
      }
      // The rooms of the next round start empty.
      await Promise.all(seats.map(({ client }) => client.ended()));
      seats.forEach(({ socket }) => socket.terminate());
    }
    expect(server.sockets.size).toBe(0);
    expect(server.adapter.rooms.size).toBe(0);
  });
});
