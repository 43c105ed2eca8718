import { setTimeout as pause } from 'node:timers/promises';
import { check, type Fault, type Run, type Verdict, type ViolationKind } from './model.js';
import { FAULTS, type FaultKind, type Schedule, type Step } from './schedule.js';
import { now, type Subject, type SubjectClient } from './subject.js';

/** What a run was, and what the model says of it. */
export interface Outcome extends Verdict {
  readonly faults: Readonly<Record<FaultKind, number>>;
  /** What the model has checked. */
  readonly run: Run;
}

/** Violations that may only look like one, since something is still on its way. */
const MAY_HEAL: ReadonlySet<ViolationKind> = new Set(['missing', 'not handled', 'no answer', 'presence']);

/** Milliseconds that clients have to settle, and then to be up to date, after the last fault. */
const SETTLE = 40_000;
/** Milliseconds between two looks. */
const LOOK_AGAIN = 50;

/**
 * Plays a schedule on a subject, ends all faults, waits until its clients are quiet, and checks what they saw.
 *
 * @param quiet milliseconds without a message after which nothing more is expected of a subject that has lost some
 * @throws what a step throws, which is a fault of the subject
 */
export async function play(subject: Subject, schedule: Schedule, quiet = SETTLE): Promise<Outcome> {
  await subject.begin(schedule.nodes);
  const player = new Player(subject, schedule, quiet);
  try {
    return await player.play();
  } finally {
    await player.stop();
    await subject.end();
  }
}

type OpenFault = { -readonly [Key in keyof Fault]: Fault[Key] };

class Player {
  private readonly clients: SubjectClient[] = [];
  private readonly faults: OpenFault[] = [];
  /** The faults that no step has ended, by their kind and what they concern, with the step that ends them. */
  private readonly open = new Map<string, { fault: OpenFault; end: Step }>();
  /** What runs while the next steps are played. */
  private readonly running: Promise<unknown>[] = [];
  private readonly failures: unknown[] = [];

  constructor(
    private readonly subject: Subject,
    private readonly schedule: Schedule,
    private readonly quiet: number,
  ) {}

  async play(): Promise<Outcome> {
    const { schedule, subject } = this;
    for (const [client, node] of schedule.homes.entries())
      this.clients.push(await subject.connect(client, node));
    for (const step of schedule.steps) await this.step(step);
    await this.stop();
    await subject.recover();
    await this.until(SETTLE, async () => this.clients.every(({ isSettled }) => isSettled));
    // a last message of each node in each room: those before it have arrived, too
    await this.mark();
    await this.untilGood();
    // and what comes twice
    await this.mark();
    const verdict = await this.untilGood();
    if (this.failures.length > 0) throw this.failures[0];
    return verdict;
  }

  /** Checks until all is well, or what is wrong will stay so. */
  private async untilGood(): Promise<Outcome> {
    let run = await this.state();
    let verdict = check(run);
    await this.until(SETTLE, async () => {
      run = await this.state();
      verdict = check(run);
      return verdict.violations.every(({ kind }) => !MAY_HEAL.has(kind));
    });
    return { ...verdict, run, faults: this.counted() };
  }

  /** Ends all faults. */
  async stop(): Promise<void> {
    // the broker first: the others may wait for it
    const ends = [...this.open.values()].map(({ end }) => end);
    ends.sort((one, other) => Number(other.do === 'resume') - Number(one.do === 'resume'));
    for (const end of ends) await this.step(end);
    await Promise.all(this.running.splice(0));
  }

  private async mark(): Promise<void> {
    const { nodes, rooms } = this.schedule;
    for (let node = 0; node < nodes; node++)
      for (let room = 0; room < rooms; room++) await this.subject.say(node, room, 1, 0);
  }

  private async state(): Promise<Run> {
    const { schedule, faults, subject } = this;
    const ledger = await subject.ledger();
    const views = this.clients.map((client) => client.view());
    return { schedule, faults, ledger, views, isLossyBetweenNodes: subject.isLossyBetweenNodes };
  }

  /** Looks until a condition holds, or the time is over: the model then says what is wrong. */
  private async until(milliseconds: number, condition: () => Promise<boolean>): Promise<void> {
    const deadline = now() + milliseconds;
    let { arrived } = this;
    let last = now();
    while (!(await condition()) && now() < Math.min(deadline, last + this.quiet)) {
      await pause(LOOK_AGAIN);
      if (this.arrived !== arrived) last = now();
      ({ arrived } = this);
    }
  }

  /** How many messages have arrived so far. */
  private get arrived(): number {
    return this.clients.reduce((sum, client) => sum + client.view().arrivals.length, 0);
  }

  private async step(step: Step): Promise<void> {
    const { subject } = this;
    const client = 'client' in step ? this.clients[step.client]! : undefined;
    switch (step.do) {
      case 'pause':
        return pause(step.ms);
      case 'say':
        return this.go(subject.say(step.node, step.room, step.count, step.bytes));
      case 'send':
        return client!.send(step.room, step.bytes);
      case 'enter':
        return client!.enter(step.room);
      case 'leave':
        return client!.leave(step.room);
      case 'update':
        return client!.update(step.meta);
      case 'cut':
        this.faults.push({ kind: 'cut', from: now(), to: now() });
        return client!.network.cut(step.bytes, step.direction);
      case 'away':
        this.begin('away', step.client, {
          do: 'back',
          client: step.client,
          node: this.schedule.homes[step.client]!,
        });
        return client!.network.away(step.how);
      case 'back':
        this.end('away', step.client);
        return client!.network.back(step.node);
      case 'slow':
        this.begin('slow', step.client, { do: 'fast', client: step.client });
        return client!.network.slow();
      case 'fast':
        this.end('slow', step.client);
        return client!.network.fast();
      default:
        return this.breakOrMend(step);
    }
  }

  /** The faults of nodes and the broker. */
  private async breakOrMend(step: Step): Promise<void> {
    const { subject } = this;
    switch (step.do) {
      case 'kill': {
        const fault = this.begin('kill', step.node, { do: 'restart', node: step.node });
        fault.process = await subject.nodes.kill(step.node);
        return;
      }
      case 'restart': {
        const fault = this.end('kill', step.node);
        return this.go(
          subject.nodes.restart(step.node).then(() => {
            if (fault !== undefined) fault.to = now();
          }),
        );
      }
      case 'stall':
        this.begin('stall', 0, { do: 'resume' });
        return subject.nodes.stall();
      case 'resume':
        subject.nodes.resume();
        return void this.end('stall', 0);
      case 'partition':
        this.begin('partition', step.node, { do: 'heal', node: step.node });
        return subject.nodes.partition(step.node, step.how);
      case 'heal':
        subject.nodes.heal(step.node);
        return void this.end('partition', step.node);
      default:
        throw new Error(`unknown step: ${JSON.stringify(step)}`);
    }
  }

  private go(work: Promise<unknown>): void {
    this.running.push(work.catch((error: unknown) => this.failures.push(error)));
  }

  private begin(kind: FaultKind, of: number, end: Step): OpenFault {
    const fault: OpenFault = { kind, from: now(), to: Infinity };
    this.faults.push(fault);
    this.open.set(`${kind} ${of}`, { fault, end });
    return fault;
  }

  private end(kind: FaultKind, of: number): OpenFault | undefined {
    const found = this.open.get(`${kind} ${of}`);
    if (found === undefined) return undefined;
    this.open.delete(`${kind} ${of}`);
    found.fault.to = now();
    return found.fault;
  }

  private counted(): Record<FaultKind, number> {
    const of = (kind: FaultKind): number => this.faults.filter((fault) => fault.kind === kind).length;
    return Object.fromEntries(FAULTS.map((kind) => [kind, of(kind)])) as Record<FaultKind, number>;
  }
}
