import { expectNoUnhandledErrors } from '../../support/unhandled-errors.js';
import { classic } from '../backends.js';
import type { NodeName } from './mixed-cluster.js';
import { RollingMigration } from './rolling-migration.js';

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** Which node is replaced in turn, and by which: both nodes move, and one moves back. */
const PLAN: [place: 0 | 1, name: NodeName][] = [
  [0, 'ours'],
  [1, 'ours'],
  [0, 'theirs'],
];

const backend = classic('ioredis');

backend.describe('a migration node by node, under traffic', () => {
  expectNoUnhandledErrors();
  const broker = backend.broker!();
  beforeAll(() => broker.start());

  it('costs the clients of a replaced node one reconnect, and the others nothing', async () => {
    const migration = await RollingMigration.start(backend, broker);
    try {
      for (const [index, name] of PLAN) {
        const place = migration.places[index];
        const other = migration.places[1 - index];
        const before = migration.places.map(({ travellers }) => travellers.map(({ ids }) => ids.length));
        const { first, joinedBefore, last } = await migration.replace(place!, name);
        for (const { numbers, ids, reasons } of place!.travellers) {
          const received = numbers.filter((n) => n >= first);
          // what was sent while it was away is lost without recovery; nothing comes twice
          expect(new Set(received).size).toBe(received.length);
          expect(received.filter((n) => n >= joinedBefore).sort((a, b) => a - b)).toEqual(
            range(joinedBefore, last),
          );
          expect(reasons.at(-1)).toBe('transport close');
          expect(ids.length).toBe(before[index]![0]! + 1);
        }
        for (const { numbers, ids } of other!.travellers) {
          const received = numbers.filter((n) => n >= first);
          expect(received.sort((a, b) => a - b)).toEqual(range(first, last));
          expect(ids.length).toBe(before[1 - index]![0]!);
        }
        const everybody = migration.places.flatMap(({ travellers }) =>
          travellers.map(({ ids }) => ids.at(-1)),
        );
        for (const asking of migration.places)
          expect(new Set(await migration.ask(asking))).toEqual(new Set(everybody));
      }
    } finally {
      await migration.close();
    }
  });
});
