import type { Backend } from './backends.js';
import { startBeforeTests } from './begin.js';
import type { ClusterNode } from './node-process.js';
import { runFault, type Fault, type Outcome, type Span } from './outage.js';

/** Milliseconds: two between the checks, two for the answer, and a margin for a busy machine. */
const AWAY_WITHIN = 7_000;
/** `ioredis` retries every five seconds after a while, and the next check follows within two. */
const BACK_WITHIN = 10_000;
/**
 * How long a client of the node itself may wait for a message on a busy machine, in milliseconds. A client that waited
 * for the broker would wait longer. With a log it is one more second, once.
 */
const IN_TIME = 2_500;
const USUAL_DELAY = 250;
const LOGGED_WITHIN = 1_000;
/** How long a request may take for which the adapter has 1.5 s, and any other request, in milliseconds. */
const TIMEOUT = 4_000;
const LONGEST_TIMEOUT = 9_000;

export interface Scene {
  nodes: readonly [ClusterNode, ClusterNode];
  fault: Fault;
}

/** Runs two nodes through a fault. All cases of a spec file run at the same time. */
export function outages(
  suite: jest.Describe,
  title: string,
  backends: readonly Backend[],
  setUp: () => Promise<Scene>,
  cases: (outcomeOf: (backend: Backend) => Outcome) => void,
): void {
  const result = startBeforeTests(suite, async () => {
    const { nodes, fault } = await setUp();
    return runFault(nodes, backends, fault);
  });
  suite(title, () => {
    let outcomes: Record<string, Outcome>;
    beforeAll(async () => {
      const { cpu, ...rest } = await result();
      ({ outcomes } = rest);
      const reportLines = backends.map((backend) => `  ${describeOutcome(backend, outcomes[backend]!)}`);
      process.stderr.write(
        `${title}; a node's processor ${(cpu * 100).toFixed(0)} %\n${reportLines.join('\n')}\n`,
      );
    });
    cases((backend) => outcomes[backend]!);
  });
}

/** The cases for every backend, while its broker is unreachable and afterwards. */
export function outageCases(
  suite: jest.Describe,
  title: string,
  backends: readonly Backend[],
  setUp: () => Promise<Scene>,
): void {
  outages(suite, title, backends, setUp, (outcomeOf) => {
    describe.each(backends)('%s', (backend) => {
      const hasRecovery = backend.includes('recovery');
      // The processes of Node's cluster count each other, and query no broker.
      const hasBroker = backend !== 'cluster';

      it('serves the clients of the node itself in time, in the order of the calls', () => {
        const { disorder, earlierDelay, localDelay, laterDelay, standstill } = outcomeOf(backend);
        const inTime = IN_TIME + standstill;
        expect(disorder).toEqual([]);
        expect(localDelay.max).toBeLessThan(hasRecovery ? LOGGED_WITHIN + inTime : inTime);
        expect(laterDelay.max).toBeLessThan(inTime);
        expect(laterDelay.median).toBeLessThan(USUAL_DELAY + earlierDelay.median);
      });

      it('ends requests to other nodes with the answers that arrived', () => {
        const { results, resultsAfterwards, standstill } = outcomeOf(backend);
        const [sockets] = results.fetchSockets;
        expect(sockets).toMatchObject({
          error: expect.stringMatching(/time/),
          answers: [expect.any(String)],
        });
        const [clients] = results.emitWithAck;
        expect(clients).toMatchObject({ error: 'operation has timed out', answers: ['a'] });
        const [servers] = results.serverSideEmitWithAck;
        expect(servers!.answers).toEqual([]);
        for (const { time } of [sockets!, clients!]) expect(time).toBeLessThan(TIMEOUT + standstill);
        for (const { time } of Object.values(results).flat())
          expect(time).toBeLessThan(LONGEST_TIMEOUT + standstill);
        expect(resultsAfterwards.fetchSockets.answers).toHaveLength(2);
        expect(resultsAfterwards.emitWithAck.answers!.sort()).toEqual(['a', 'b']);
        expect(resultsAfterwards.serverSideEmitWithAck.answers).toEqual(['b']);
      });

      it('reports once that the broker is unreachable, and once that it answers again', () => {
        const { away, back, reports, standstill } = outcomeOf(backend);
        for (const { changes, log } of reports) {
          const states = changes.map(([state]) => state);
          expect(states).toEqual(hasBroker ? ['connected', 'away', 'connected'] : ['connected']);
          expect(log.filter((line) => line.includes('is away'))).toHaveLength(hasBroker ? 1 : 0);
          expect(log.filter((line) => line.includes('answers again'))).toHaveLength(hasBroker ? 1 : 0);
          // From operations that were pending when the broker stopped.
          expect(log.length).toBeLessThan(10);
        }
        if (!hasBroker) return;
        for (const time of away) expect(time).toBeLessThan(AWAY_WITHIN + standstill);
        for (const time of back) expect(time).toBeLessThan(BACK_WITHIN + standstill);
      });

      it('receives the messages of the other node again, each once', () => {
        const { lost, duplicated, overtaken } = outcomeOf(backend);
        expect([lost, duplicated]).toEqual([[], []]);
        // A pool has several connections.
        if (backend !== 'postgres') expect(overtaken).toBe(0);
      });
    });
  });
}

function describeOutcome(backend: string, outcome: Outcome): string {
  const seconds = (times: readonly (number | undefined)[]): string =>
    times.some((time) => time === undefined)
      ? 'unnoticed'
      : `${(Math.max(...(times as number[])) / 1_000).toFixed(1)} s`;
  const milliseconds = ({ median, max }: Span): string => `${median}/${max} ms`;
  const results = Object.entries(outcome.results).map(
    ([kind, [early]]) => `${kind} ${seconds([early!.time])}${early!.error === undefined ? '' : ' (error)'}`,
  );
  return [
    `${backend}: away after ${seconds(outcome.away)}`,
    `back after ${seconds(outcome.back)}`,
    `first message after ${seconds([outcome.resumed])}`,
    `local delivery (median/max) ${milliseconds(outcome.earlierDelay)} before`,
    `${milliseconds(outcome.localDelay)} meanwhile`,
    `${milliseconds(outcome.laterDelay)} from the third second on`,
    `to the other node ${milliseconds(outcome.crossed)}`,
    `of ${outcome.sentMeanwhile} sent meanwhile ${outcome.arrivedLate} came`,
    `${outcome.overtaken} later ones out of order`,
    `stood still for ${outcome.standstill} ms`,
    ...results,
  ].join(', ');
}
