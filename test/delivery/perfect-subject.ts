import { now, type Arrival, type ClientView, type Handled, type Ledger, type Said } from './subject.js';
import type { Entrance, Sent, Subject, SubjectClient, SubjectNetwork, SubjectNodes } from './subject.js';

/** One fault of a system, which happens once in a run. */
export type Mutant =
  | 'drops a message'
  | 'sends a message twice'
  | 'swaps two messages'
  | 'sends what was never said'
  | 'handles a message twice'
  | 'handles a message under another key'
  | 'handles a message without its key'
  | 'does not handle a message, and answers'
  | 'never answers a message'
  | 'handles two messages in another order'
  | 'forgets a member'
  | 'keeps a member that has left'
  | 'shows an old meta'
  | 'shows a member twice'
  | 'says that its lists are out of date';

/** After how many messages the fault happens. */
const WHEN = 12;

const nothing = (): void => undefined;
const NETWORK: SubjectNetwork = { cut: nothing, away: nothing, back: nothing, slow: nothing, fast: nothing };
const NODES: SubjectNodes = {
  kill: (node) => Promise.resolve(`n${node}`),
  restart: () => Promise.resolve(),
  stall: nothing,
  resume: nothing,
  partition: nothing,
  heal: nothing,
};

/** A system in memory to which no fault matters, except the one that it is made with. It shows what the model notices. */
export class PerfectSubject implements Subject {
  readonly name = 'perfect';
  readonly isLossyBetweenNodes = false;
  readonly nodes = NODES;
  readonly clients: PerfectClient[] = [];
  readonly saidSoFar: Said[] = [];
  readonly handled: Handled[] = [];
  private readonly numbers = new Map<string, number>();
  private keys = 0;

  constructor(readonly mutant?: Mutant) {}

  begin = (): Promise<void> => Promise.resolve();
  recover = (): Promise<void> => Promise.resolve();
  renew = (): Promise<void> => Promise.resolve();
  end = (): Promise<void> => Promise.resolve();
  close = (): Promise<void> => Promise.resolve();

  connect(client: number): Promise<PerfectClient> {
    const connected = new PerfectClient(this, client);
    this.clients.push(connected);
    return Promise.resolve(connected);
  }

  say(node: number, room: number, count: number): Promise<void> {
    for (let i = 0; i < count; i++) this.broadcast(`n${node}`, room);
    return Promise.resolve();
  }

  broadcast(node: string, room: number, of?: string): void {
    const number = (this.numbers.get(node) ?? 0) + 1;
    this.numbers.set(node, number);
    this.saidSoFar.push({ room, node, number, at: now(), of });
    for (const client of this.clients)
      if (client.rooms.has(room)) client.receive({ room, node, number, at: now() });
  }

  handle(client: number, id: string, room: number): void {
    const is = (mutant: Mutant): boolean => this.mutant === mutant && this.handled.length === WHEN;
    if (is('does not handle a message, and answers')) return void (this.keys = this.handled.length);
    const key = is('handles a message without its key') ? undefined : `key ${++this.keys}`;
    const handled = { id, key, node: `n${client % 2}`, at: now() };
    this.handled.push(handled);
    this.broadcast(handled.node, room, id);
    if (this.mutant === 'handles a message twice' && this.handled.length === WHEN)
      this.handled.push({ ...handled, at: now() });
    if (this.mutant === 'handles a message under another key' && this.handled.length === WHEN)
      this.handled.push({ ...handled, key: 'other', at: now() });
  }

  ledger(): Promise<Ledger> {
    const handled = [...this.handled];
    if (this.mutant === 'handles two messages in another order') {
      const [first] = handled;
      const second = handled.findIndex(({ id }) => id === `${first!.id.split(':')[0]}:2`);
      handled[0] = { ...first!, at: now() };
      if (second < 0) throw new Error('the first client has sent one message only');
    }
    return Promise.resolve({ said: [...this.saidSoFar], handled, stored: {} });
  }
}

class PerfectClient implements SubjectClient {
  readonly rooms = new Set<number>();
  readonly isSettled = true;
  readonly network = NETWORK;
  private readonly arrivals: Arrival[] = [];
  private readonly entrances: Entrance[] = [];
  private readonly exits: { room: number; at: number }[] = [];
  private readonly sent: Sent[] = [];
  private held: Arrival | undefined;
  private meta = 0;
  private before = 0;

  constructor(
    private readonly subject: PerfectSubject,
    private readonly client: number,
  ) {}

  receive(arrival: Arrival): void {
    const isWhen = this.client === 0 && this.arrivals.length === WHEN;
    const { mutant } = this.subject;
    if (isWhen && mutant === 'drops a message' && this.held === undefined) {
      this.held = arrival;
      return;
    }
    if (isWhen && mutant === 'swaps two messages' && this.held === undefined) {
      this.held = arrival;
      return;
    }
    this.arrivals.push(arrival);
    if (isWhen && mutant === 'sends a message twice') this.arrivals.push(arrival);
    if (isWhen && mutant === 'sends what was never said') this.arrivals.push({ ...arrival, number: 9_999 });
    const { held } = this;
    if (mutant !== 'swaps two messages' || held?.node !== arrival.node || held.room !== arrival.room) return;
    this.arrivals.push(held);
    this.held = { ...held, node: '' };
  }

  enter(room: number): void {
    if (this.rooms.has(room)) return;
    this.rooms.add(room);
    const isGap = this.entrances.some((entrance) => entrance.room === room);
    const to = this.arrivals.length;
    this.entrances.push({ room, askedAt: now(), from: to, at: now(), to, isGap });
  }
  leave(room: number): void {
    this.rooms.delete(room);
    this.exits.push({ room, at: now() });
  }
  send(room: number): void {
    const id = `c${this.client}:${this.sent.length + 1}`;
    const isPending = this.subject.mutant === 'never answers a message' && this.sent.length === 2;
    this.sent.push({ id, room, outcome: isPending ? 'pending' : 'answered' });
    this.subject.handle(this.client, id, room);
  }
  update(meta: number): void {
    this.before = this.meta;
    this.meta = meta;
  }

  view(): ClientView {
    const rooms = [...this.rooms];
    const { client, arrivals, entrances, exits, sent, meta } = this;
    const present = Object.fromEntries(rooms.map((room) => [room, this.presentIn(room)]));
    return { client, arrivals, entrances, exits, sent, rooms, meta, present, connections: 1, recoveries: 0 };
  }

  private presentIn(room: number): Record<string, number[]> | undefined {
    const { mutant, clients } = this.subject;
    const members = clients.filter(({ rooms }) => rooms.has(room));
    const present: Record<string, number[]> = Object.fromEntries(
      members.map((member) => [`c${member.client}`, [member.meta]]),
    );
    const last = members.at(-1)!;
    if (mutant === 'forgets a member') delete present[`c${last.client}`];
    if (mutant === 'keeps a member that has left') present['c99'] = [0];
    if (mutant === 'shows an old meta') present[`c${last.client}`] = [last.before - 1];
    if (mutant === 'shows a member twice') present[`c${last.client}`]!.push(last.meta);
    return mutant === 'says that its lists are out of date' ? undefined : present;
  }
}
