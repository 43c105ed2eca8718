import type { FaultKind, Schedule } from './schedule.js';
import type { Arrival, ClientView, Handled, Ledger, Said } from './subject.js';

/** A fault of a run, with the times between which it lasted. */
export interface Fault {
  readonly kind: FaultKind;
  readonly from: number;
  readonly to: number;
  /** Of a kill: the process. */
  readonly process?: string | undefined;
}

/** All that is known of a run at its end. */
export interface Run {
  readonly schedule: Pick<Schedule, 'seed'>;
  readonly isLossyBetweenNodes: boolean;
  readonly views: readonly ClientView[];
  readonly ledger: Ledger;
  readonly faults: readonly Fault[];
}

export type ViolationKind =
  | 'twice'
  | 'order'
  | 'missing'
  | 'unknown message'
  | 'handled twice'
  | 'not handled'
  | 'handled without its key'
  | 'handled in another order'
  | 'no answer'
  | 'presence';

export interface Violation {
  readonly kind: ViolationKind;
  readonly text: string;
}

/** What happened in a run. */
export interface Counts {
  /** Messages that nodes sent to rooms, and messages that arrived at clients. */
  said: number;
  arrived: number;
  /** Reliable messages, and how often handlers ran for them. */
  reliable: number;
  handled: number;
  connections: number;
  recoveries: number;
  /** Messages that a client did not get, and was told so. */
  toldMissing: number;
  /** Messages that a client got again, after it was told that it is a new client: from a node that was cut off from the broker. */
  toldAgain: number;
  /** Reliable messages of which a client was told that it does not know. */
  toldUndelivered: number;
  /** Messages that clients did not get because the node that sent them was killed: not promised. */
  lostWithNode: number;
  /** Messages that clients of other nodes did not get while the broker was away: not promised without Redis streams. */
  lostBetweenNodes: number;
  /** Reliable messages that were handled again because a node was killed during the first time: not promised. */
  handledAgain: number;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly counts: Counts;
}

/** What a node sends within so many milliseconds before it is killed may be lost: commands on their way to the broker. */
const UNDER_WAY = 2_000;
/** What a node sends within so many milliseconds before a fault of the broker is on its way there: `redis` does not send it again. */
const TO_BROKER = 100;
/** A fault of the broker is noticed, and its effects end, within so many milliseconds. */
const AFTERMATH = 5_000;

/** Checks what clients and handlers saw in a run. */
export function check(run: Run): Verdict {
  return new Checker(run).check();
}

class Checker {
  private readonly violations: Violation[] = [];
  private readonly counts: Counts;
  /** The messages of each room and process, in the order of their numbers. */
  private readonly said = new Map<string, Said[]>();

  constructor(private readonly run: Run) {
    const { views, ledger } = run;
    const sum = (of: (view: ClientView) => number): number =>
      views.reduce((total, view) => total + of(view), 0);
    this.counts = {
      said: ledger.said.length,
      arrived: sum(({ arrivals }) => arrivals.length),
      reliable: sum(({ sent }) => sent.length),
      handled: ledger.handled.length,
      connections: sum(({ connections }) => connections),
      recoveries: sum(({ recoveries }) => recoveries),
      toldMissing: 0,
      toldAgain: 0,
      toldUndelivered: 0,
      lostWithNode: 0,
      lostBetweenNodes: 0,
      handledAgain: 0,
    };
    for (const said of ledger.said) add(this.said, streamOf(said), said);
  }

  check(): Verdict {
    for (const view of this.run.views) {
      this.checkArrivals(view);
      this.checkSent(view);
      this.checkPresence(view);
    }
    return { violations: this.violations, counts: this.counts };
  }

  private fail(kind: ViolationKind, text: string): void {
    this.violations.push({ kind, text });
  }

  /** Each message once, those of one process in order, and none missing that is promised. */
  private checkArrivals(view: ClientView): void {
    const streams = new Map<string, (Arrival & { index: number })[]>();
    view.arrivals.forEach((arrival, index) => add(streams, streamOf(arrival), { ...arrival, index }));
    for (const [stream, arrivals] of streams) {
      const known = new Set(this.said.get(stream)?.map(({ number }) => number));
      const seen = new Map<number, number>();
      let last = 0;
      for (const { number, room, at } of arrivals) {
        const name = `c${view.client}: ${stream}, number ${number}`;
        if (!known.has(number)) this.fail('unknown message', name);
        const before = seen.get(number);
        if (before !== undefined && this.isNewSince(view, room, before, at)) this.counts.toldAgain++;
        else if (before !== undefined) this.fail('twice', name);
        else if (number < last) this.fail('order', `${name} after ${last}`);
        seen.set(number, at);
        last = Math.max(last, number);
      }
    }
    for (const [stream, said] of this.said) this.checkMissing(view, stream, said, streams.get(stream) ?? []);
  }

  /** Whether the client was told between two times that messages of the room may be missing. */
  private isNewSince(view: ClientView, room: number, from: number, to: number): boolean {
    return view.entrances.some(
      (entrance) => entrance.room === room && entrance.isGap && entrance.at > from && entrance.askedAt < to,
    );
  }

  /** @param arrivals the messages of a room and a process that have arrived, of those in `said` */
  private checkMissing(
    view: ClientView,
    stream: string,
    said: readonly Said[],
    arrivals: readonly (Arrival & { index: number })[],
  ): void {
    const { room } = said[0]!;
    const first = view.entrances.find((entrance) => entrance.room === room);
    const numbers = arrivals.map(({ number }) => number);
    const lowest = Math.min(...numbers);
    const highest = Math.max(...numbers);
    const isIn = view.rooms.includes(room) && first !== undefined;
    const arrived = new Set(numbers);
    for (const message of said) {
      const { number, at } = message;
      if (arrived.has(number)) continue;
      const isBetween = number > lowest && number < highest;
      const isLater = isIn && (number > lowest || at > first.at);
      if (!isBetween && !isLater) continue;
      const before = view.arrivals.filter((arrival) => arrival.at <= at).length - 1;
      const earlier = arrivals.filter((arrival) => arrival.number < number).at(-1)?.index ?? -1;
      const next = arrivals.find((arrival) => arrival.number > number)?.index ?? view.arrivals.length;
      const isTold = view.entrances.some(
        (entrance) =>
          entrance.room === room &&
          entrance.isGap &&
          entrance.at >= at &&
          entrance.to > Math.min(next, Math.max(before, earlier)) &&
          entrance.from <= next,
      );
      if (isTold) this.counts.toldMissing++;
      else if (this.isLostWithNode(message)) this.counts.lostWithNode++;
      else if (this.run.isLossyBetweenNodes && this.isBrokerFaulty(at, at + TO_BROKER))
        this.counts.lostBetweenNodes++;
      else this.fail('missing', `c${view.client}: ${stream}, number ${number}, sent at ${at.toFixed(1)}`);
    }
  }

  /** A killed process may not have given its last messages to the broker; with a history, it may have given them to that alone. */
  private isLostWithNode({ node, room, number, at }: Said): boolean {
    const kill = this.run.faults.find(({ kind, process }) => kind === 'kill' && process === node);
    if (kill === undefined || kill.from < at) return false;
    const stored = this.run.ledger.stored[room];
    if (stored !== undefined && !stored.has(`${node}:${number}`)) return true;
    return kill.from - at < UNDER_WAY || this.isBrokerFaulty(at, kill.from);
  }

  /** Whether the broker was away from some node between these times. */
  private isBrokerFaulty(from: number, to = from): boolean {
    return this.run.faults.some(
      (fault) =>
        (fault.kind === 'stall' || fault.kind === 'partition') &&
        fault.from <= to &&
        fault.to + AFTERMATH >= from,
    );
  }

  /** Each reliable message handled once, with its key, in the order in which its client sent them. */
  private checkSent(view: ClientView): void {
    let last = -Infinity;
    for (const { id, outcome } of view.sent) {
      const handled = this.run.ledger.handled.filter((one) => one.id === id).sort((a, b) => a.at - b.at);
      if (outcome === 'pending') this.fail('no answer', id);
      if (outcome === 'undelivered') this.counts.toldUndelivered++;
      if (outcome === 'answered' && handled.length === 0) this.fail('not handled', id);
      this.checkRepeats(id, handled);
      const [first] = handled;
      if (first === undefined) continue;
      if (first.at < last) this.fail('handled in another order', `${id} before the one sent before it`);
      last = first.at;
    }
  }

  private checkRepeats(id: string, handled: readonly Handled[]): void {
    const keys = new Set(handled.map(({ key }) => key));
    if (keys.has(undefined) || keys.size > 1)
      this.fail('handled without its key', `${id}: ${[...keys].join(', ')}`);
    handled.slice(1).forEach((again, index) => {
      const before = handled[index]!;
      const isExcused = this.run.faults.some(
        ({ kind, process, from }) =>
          kind === 'kill' &&
          process === before.node &&
          from >= before.at &&
          (from - before.at < UNDER_WAY || this.isBrokerFaulty(before.at, from)),
      );
      if (isExcused) this.counts.handledAgain++;
      else
        this.fail(
          'handled twice',
          `${id} by ${before.node} at ${before.at.toFixed(1)} and by ${again.node} at ${again.at.toFixed(1)}`,
        );
    });
  }

  /** What each client knows about its rooms is what holds. */
  private checkPresence(view: ClientView): void {
    if (view.present === undefined) return;
    for (const room of view.rooms) {
      const truth = this.run.views
        .filter(({ rooms }) => rooms.includes(room))
        .map(({ client, meta }) => `c${client} [${meta}]`);
      const present = view.present[room];
      const known =
        present === undefined
          ? ['out of date']
          : Object.entries(present).map(([key, metas]) => `${key} [${metas.join()}]`);
      const [expected, found] = [truth.sort().join(', '), known.sort().join(', ')];
      if (expected !== found)
        this.fail('presence', `c${view.client} in room ${room}: ${found}; it should be: ${expected}`);
    }
  }
}

const streamOf = ({ room, node }: { room: number; node: string }): string => `room ${room}, node ${node}`;

function add<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
