import type { Backend } from './backends.js';
import { begin } from './begin.js';
import type { ClusterNode } from './node-process.js';
import { undergo, ALL_OF_IT, type Fault, type Outcome, type Span } from './outage.js';

/** Milliseconds: two between the questions, two for the answer, and some for a busy machine. */
const AWAY_WITHIN = 7_000;
/** The client of `ioredis` tries every five seconds, when it has for some time, and the question comes within two. */
const BACK_WITHIN = 10_000;
/**
 * That a client of the node itself may wait for a message, if the machine is busy: who waited for the broker would wait
 * for longer than that. Where a log is kept it is one second more, once.
 */
const IN_TIME = 2_500;
const USUALLY = 250;
const PLACED_WITHIN = 1_000;
/** That a question may take for which the adapter has 1.5 s, and any other. */
const TIMEOUT = 4_000;
const LONGEST_TIMEOUT = 9_000;

export interface Scene {
  nodes: readonly [ClusterNode, ClusterNode];
  fault: Fault;
}

/** Has two nodes undergo a fault; all that a spec file has of them at the same time. */
export function outages(
  suite: jest.Describe,
  title: string,
  backends: readonly Backend[],
  setUp: () => Promise<Scene>,
  cases: (outcomeOf: (backend: Backend) => Outcome) => void,
): void {
  const result = begin(suite, async () => {
    const { nodes, fault } = await setUp();
    return undergo(nodes, backends, fault);
  });
  suite(title, () => {
    let outcomes: Record<string, Outcome>;
    beforeAll(async () => {
      const { cpu, ...rest } = await result();
      ({ outcomes } = rest);
      const lines = backends.map((backend) => `  ${show(backend, outcomes[backend]!)}`);
      process.stderr.write(`${title}; a node's processor ${(cpu * 100).toFixed(0)} %\n${lines.join('\n')}\n`);
    }, ALL_OF_IT);
    cases((backend) => outcomes[backend]!);
  });
}

/** What holds for every backend, while its broker is away and afterwards. */
export function outageCases(
  suite: jest.Describe,
  title: string,
  backends: readonly Backend[],
  setUp: () => Promise<Scene>,
): void {
  outages(suite, title, backends, setUp, (outcomeOf) => {
    describe.each(backends)('%s', (backend) => {
      const isKept = backend.includes('recovery');
      // the processes of Node's cluster count each other, and have nobody to ask
      const asks = backend !== 'cluster';

      it("serves the node's own clients in time, in the order of the calls", () => {
        const { disorder, waited, waitedLater } = outcomeOf(backend);
        expect(disorder).toEqual([]);
        expect(waited.max).toBeLessThan(isKept ? PLACED_WITHIN + IN_TIME : IN_TIME);
        expect(waitedLater.max).toBeLessThan(IN_TIME);
        expect(waitedLater.median).toBeLessThan(USUALLY);
      });

      it('ends what asks other nodes, with what came', () => {
        const { asked, askedAfterwards } = outcomeOf(backend);
        const [sockets] = asked.fetchSockets;
        expect(sockets).toMatchObject({
          error: expect.stringMatching(/time/),
          answers: [expect.any(String)],
        });
        const [clients] = asked.emitWithAck;
        expect(clients).toMatchObject({ error: 'operation has timed out', answers: ['a'] });
        const [servers] = asked.serverSideEmitWithAck;
        expect(servers!.answers).toEqual([]);
        for (const { time } of [sockets!, clients!]) expect(time).toBeLessThan(TIMEOUT);
        for (const { time } of Object.values(asked).flat()) expect(time).toBeLessThan(LONGEST_TIMEOUT);
        expect(askedAfterwards.fetchSockets.answers).toHaveLength(2);
        expect(askedAfterwards.emitWithAck.answers!.sort()).toEqual(['a', 'b']);
        expect(askedAfterwards.serverSideEmitWithAck.answers).toEqual(['b']);
      });

      it('says that the broker is away, and that it is back, once', () => {
        const { away, back, reports } = outcomeOf(backend);
        for (const { changes, log } of reports) {
          const states = changes.map(([state]) => state);
          expect(states).toEqual(asks ? ['connected', 'away', 'connected'] : ['connected']);
          expect(log.filter((line) => line.includes('is away'))).toHaveLength(asks ? 1 : 0);
          expect(log.filter((line) => line.includes('answers again'))).toHaveLength(asks ? 1 : 0);
          // of what was under way when it went
          expect(log.length).toBeLessThan(10);
        }
        if (!asks) return;
        for (const time of away) expect(time).toBeLessThan(AWAY_WITHIN);
        for (const time of back) expect(time).toBeLessThan(BACK_WITHIN);
      });

      it('hears the other node again by itself, and all that it says once', () => {
        const { lost, doubled, overtaken } = outcomeOf(backend);
        expect([lost, doubled]).toEqual([[], []]);
        // a pool has many lines
        if (backend !== 'postgres') expect(overtaken).toBe(0);
      });
    });
  });
}

function show(backend: string, outcome: Outcome): string {
  const seconds = (times: readonly (number | undefined)[]): string =>
    times.some((time) => time === undefined)
      ? 'unnoticed'
      : `${(Math.max(...(times as number[])) / 1_000).toFixed(1)} s`;
  const milliseconds = ({ median, max }: Span): string => `${median}/${max} ms`;
  const asked = Object.entries(outcome.asked).map(
    ([what, [early]]) => `${what} ${seconds([early!.time])}${early!.error === undefined ? '' : ' (error)'}`,
  );
  return [
    `${backend}: away after ${seconds(outcome.away)}`,
    `back after ${seconds(outcome.back)}`,
    `first message after ${seconds([outcome.resumed])}`,
    `local delivery (median/max) ${milliseconds(outcome.waitedBefore)} before`,
    `${milliseconds(outcome.waited)} meanwhile`,
    `${milliseconds(outcome.waitedLater)} from the third second on`,
    `to the other node ${milliseconds(outcome.crossed)}`,
    `of ${outcome.sentMeanwhile} sent meanwhile ${outcome.cameLate} came`,
    `${outcome.overtaken} later ones out of order`,
    ...asked,
  ].join(', ');
}
