import { Random } from '../support/random.js';

/** One step of a schedule: plain data, so that any system can play it. Clients, rooms and nodes are numbers from 0 on. */
export type Step =
  | { do: 'pause'; ms: number }
  /** A node itself sends `count` messages to a room, in one go, each with `bytes` more characters. */
  | { do: 'say'; node: number; room: number; count: number; bytes: number }
  /** A client sends a reliable message for a room. Its handler sends it on to the room. */
  | { do: 'send'; client: number; room: number; bytes: number }
  | { do: 'enter'; client: number; room: number }
  | { do: 'leave'; client: number; room: number }
  /** A client changes its meta, which those in its rooms see. */
  | { do: 'update'; client: number; meta: number }
  /** The connection of a client ends after exactly `bytes` more bytes: `up` is from the client to the server. */
  | { do: 'cut'; client: number; bytes: number; direction: 'up' | 'down' }
  /** A client loses its connection, and cannot connect before `back`, which may lead it to another node. */
  | { do: 'away'; client: number; how: 'cut' | 'silent' }
  | { do: 'back'; client: number; node: number }
  /** A client reads nothing from its connection until `fast`. */
  | { do: 'slow'; client: number }
  | { do: 'fast'; client: number }
  /** SIGKILL for a node, until `restart` starts a new process in its place. */
  | { do: 'kill'; node: number }
  | { do: 'restart'; node: number }
  /** SIGSTOP and SIGCONT for the broker. */
  | { do: 'stall' }
  | { do: 'resume' }
  /** One node does not reach the broker until `heal`: its connections are reset and refused, or nothing passes through them. */
  | { do: 'partition'; node: number; how: 'cut' | 'silent' }
  | { do: 'heal'; node: number };

export type StepKind = Step['do'];

/** The steps that break something. */
export const FAULTS = ['cut', 'away', 'slow', 'kill', 'stall', 'partition'] as const;
export type FaultKind = (typeof FAULTS)[number];

/** A run, made from a seed. When its steps end, the runner heals all faults and waits until every client is quiet. */
export interface Schedule {
  readonly seed: number;
  readonly nodes: number;
  readonly clients: number;
  readonly rooms: number;
  /** The node that each client connects to first, before the first step. */
  readonly homes: readonly number[];
  readonly steps: readonly Step[];
}

/** What limits the schedules of {@link scheduleOf}. */
export interface ScheduleOptions {
  /** The number of steps. Default: 120. */
  steps?: number;
  /** The maximum number of nodes, at least 2. Default: 4. */
  nodes?: number;
  /** The maximum number of clients, at least 3. Default: 10. */
  clients?: number;
  /** The faults that occur. Default: all. */
  faults?: readonly FaultKind[];
}

/** How often each step is chosen. Those that end a fault follow it. */
const WEIGHTS: Readonly<Partial<Record<StepKind, number>>> = {
  pause: 16,
  say: 26,
  send: 26,
  enter: 10,
  leave: 3,
  update: 6,
  cut: 7,
  away: 5,
  slow: 2,
  kill: 2,
  stall: 1.5,
  partition: 3,
};

/** Returns the schedule of a seed: always the same one. */
export function scheduleOf(seed: number, options: ScheduleOptions = {}): Schedule {
  return new Author(seed, options).write();
}

class Author {
  private readonly random: Random;
  private readonly steps: Step[] = [];
  private readonly nodes: number;
  private readonly clients: number;
  private readonly rooms: number;
  private readonly kinds: readonly StepKind[];
  private readonly length: number;
  /** The steps that end faults, and when each comes at the earliest. */
  private readonly endings: { at: number; step: () => Step }[] = [];
  private readonly dead = new Set<number>();
  private readonly partitioned = new Set<number>();
  private readonly absent = new Set<number>();
  private readonly slow = new Set<number>();
  private isStalled = false;

  constructor(
    private readonly seed: number,
    { steps = 120, nodes = 4, clients = 10, faults = FAULTS }: ScheduleOptions,
  ) {
    this.random = new Random(seed);
    this.nodes = 2 + this.random.below(nodes - 1);
    this.clients = 3 + this.random.below(clients - 2);
    this.rooms = 2 + this.random.below(3);
    this.length = steps;
    const isFault = (kind: StepKind): boolean => (FAULTS as readonly StepKind[]).includes(kind);
    this.kinds = (Object.keys(WEIGHTS) as StepKind[]).filter(
      (kind) => !isFault(kind) || (faults as readonly StepKind[]).includes(kind),
    );
  }

  write(): Schedule {
    const { seed, nodes, clients, rooms, random, steps } = this;
    const homes = Array.from({ length: clients }, () => random.below(nodes));
    for (let client = 0; client < clients; client++)
      for (let room = 0; room < rooms; room++)
        if (random.chance(0.6)) steps.push({ do: 'enter', client, room });
    while (steps.length < this.length) {
      this.endFaults();
      const step = this.next(this.kind());
      if (step !== undefined) steps.push(step);
    }
    return { seed, nodes, clients, rooms, homes, steps };
  }

  private kind(): StepKind {
    const total = this.kinds.reduce((sum, kind) => sum + WEIGHTS[kind]!, 0);
    let left = this.random.next() * total;
    return this.kinds.find((kind) => (left -= WEIGHTS[kind]!) < 0) ?? 'pause';
  }

  private next(kind: StepKind): Step | undefined {
    const { random } = this;
    const client = random.below(this.clients);
    const room = random.below(this.rooms);
    const node = random.below(this.nodes);
    switch (kind) {
      case 'pause':
        return { do: 'pause', ms: random.chance(0.25) ? random.below(1_000) : random.below(60) };
      case 'say':
        return { do: 'say', node, room, ...this.size() };
      case 'send':
        return { do: 'send', client, room, bytes: random.chance(0.1) ? random.below(5_000) : 0 };
      case 'enter':
      case 'leave':
        return { do: kind, client, room };
      case 'update':
        return { do: 'update', client, meta: random.below(1_000) };
      case 'cut':
        return {
          do: 'cut',
          client,
          bytes: 1 + random.below(random.pick([10, 300, 3_000])),
          direction: random.pick(['up', 'down']),
        };
      default:
        return this.fault(kind, client, node);
    }
  }

  /** Mostly single messages; sometimes so many that a slow client is disconnected. */
  private size(): { count: number; bytes: number } {
    const { random } = this;
    if (random.chance(0.03)) return { count: 40 + random.below(60), bytes: 20_000 };
    if (random.chance(0.2)) return { count: 2 + random.below(20), bytes: random.below(200) };
    return { count: 1, bytes: random.chance(0.1) ? random.below(5_000) : 0 };
  }

  private fault(kind: StepKind, client: number, node: number): Step | undefined {
    const { random, absent, slow, dead, partitioned } = this;
    switch (kind) {
      case 'away':
        if (absent.has(client)) return undefined;
        absent.add(client);
        this.later(30, () => ({ do: 'back', client, node: this.living() }));
        return { do: 'away', client, how: random.pick(['cut', 'silent']) };
      case 'slow':
        if (slow.has(client)) return undefined;
        slow.add(client);
        this.later(20, () => ({ do: 'fast', client }));
        return { do: 'slow', client };
      case 'kill':
        // one node lives
        if (dead.size > 0) return undefined;
        dead.add(node);
        this.later(30, () => ({ do: 'restart', node }));
        return { do: 'kill', node };
      case 'stall':
        if (this.isStalled) return undefined;
        this.isStalled = true;
        this.later(8, () => ({ do: 'resume' }));
        return { do: 'stall' };
      case 'partition':
        if (partitioned.has(node) || dead.has(node)) return undefined;
        partitioned.add(node);
        this.later(20, () => ({ do: 'heal', node }));
        return { do: 'partition', node, how: random.pick(['cut', 'silent']) };
      default:
        return undefined;
    }
  }

  private living(): number {
    return this.random.pick(
      Array.from({ length: this.nodes }, (_, node) => node).filter((node) => !this.dead.has(node)),
    );
  }

  /** Ends a fault after some steps. What is not ended when the schedule ends is ended by the runner. */
  private later(within: number, step: () => Step): void {
    this.endings.push({ at: this.steps.length + 2 + this.random.below(within), step });
  }

  private endFaults(): void {
    for (const ending of [...this.endings]) {
      if (ending.at > this.steps.length) continue;
      this.endings.splice(this.endings.indexOf(ending), 1);
      const step = ending.step();
      this.steps.push(step);
      if (step.do === 'back') this.absent.delete(step.client);
      else if (step.do === 'fast') this.slow.delete(step.client);
      else if (step.do === 'restart') this.dead.delete(step.node);
      else if (step.do === 'heal') this.partitioned.delete(step.node);
      else if (step.do === 'resume') this.isStalled = false;
    }
  }
}
