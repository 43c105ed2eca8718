import { describeWithRedis } from '../support/brokers/redis.js';
import { ALL_ROOMS, compare, COMPARED, ROOMS_BY_HISTORY } from './comparison.js';
import type { NodeSettings } from './envelope-node.js';
import { EnvelopeSubject } from './envelope-subject.js';
import { play } from './run.js';
import { scheduleOf } from './schedule.js';
import { SocketIoSubject } from './socketio-subject.js';
import { NO_MESSAGES, NOTHING_SENT, sentTallyOf, tallyOf } from './tally.js';
import { LONGEST_WAIT } from '../support/longest-wait.js';

/** How many schedules of each fault are compared: `npm run compare:delivery` prints the tables of docs/delivery.md. */
const RUNS = Number(process.env['COMPARE'] ?? 0);
/** A part of the names of faults: COMPARE_ONLY=killed. */
const ONLY = process.env['COMPARE_ONLY'] ?? '';
const LIBRARY = (process.env['LIBRARY'] ?? 'ioredis') as NodeSettings['library'];
/** Milliseconds for one run. */
const TIMEOUT = 900_000;
/** Milliseconds without a message after which nothing more is waited for. */
const QUIET = 3_000;

describeWithRedis('Socket.IO with the same schedules', () => {
  const subject = new SocketIoSubject({ library: LIBRARY });
  afterAll(() => subject.close());

  it('loses nothing without a fault', async () => {
    const { run } = await play(subject, scheduleOf(1, { steps: 40, faults: [] }), LONGEST_WAIT);
    const tally = tallyOf(run.views, run.ledger);
    const sent = sentTallyOf(run.views, run.ledger);
    expect(tally).toEqual({ ...NO_MESSAGES, due: tally.due });
    expect(sent).toEqual({ ...NOTHING_SENT, sent: sent.sent });
    expect(Math.min(tally.due, sent.sent)).toBeGreaterThan(0);
  });
});

(RUNS > 0 ? describeWithRedis : describe.skip)('the comparison', () => {
  const socketIo = new SocketIoSubject({ library: LIBRARY });
  const envelope = new EnvelopeSubject({ adapter: 'streams', library: LIBRARY, maxBufferedBytes: 4_000_000 });
  afterAll(async () => {
    await socketIo.close();
    await envelope.close();
  });

  it(
    `of ${RUNS} schedules for each fault`,
    async () => {
      const systems = [
        { name: 'Socket.IO', subject: socketIo, rooms: ALL_ROOMS },
        { name: 'this package', subject: envelope, rooms: ROOMS_BY_HISTORY },
      ];
      process.stdout.write(`${await compare(systems, RUNS, QUIET, ONLY)}\n`);
    },
    RUNS * COMPARED.length * 2 * TIMEOUT,
  );
});
