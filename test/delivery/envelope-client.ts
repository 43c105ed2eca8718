import { history, type RoomPositions } from '../../lib/client/history.js';
import { connect, type ClientSocket } from '../../lib/client/node.js';
import { presence, type RoomPresence } from '../../lib/client/presence.js';
import { reliable, type Reliable } from '../../lib/client/reliable.js';
import type { Subscription } from '../../lib/client/subscription.js';
import type { ClientNetwork } from './client-network.js';
import type { Heard, Send } from './envelope-node.js';
import {
  now,
  type Arrival,
  type ClientView,
  type Entrance,
  type Sent,
  type SubjectClient,
} from './subject.js';

interface FromServer {
  said: (message: Heard) => void;
}

interface FromClient {
  enter: (data: { room: string; after?: string }, answer: (joined: Joined) => void) => void;
  leave: (data: { room: string }) => void;
  meta: (meta: number, answer: (done: unknown) => void) => void;
  send: (data: Send, answer: (id: string) => void) => void;
  [event: string]: (...args: never[]) => void;
}

interface Joined {
  /** `null`: the room has no history. */
  complete: boolean | null;
}

/** A room that a client has entered at least once. */
interface Entered {
  readonly presence: RoomPresence<number>;
  subscription: Subscription<Joined> | undefined;
}

/** Names a room of a run. Every other room has a history. */
export const roomName = (run: number, room: number): string =>
  `${hasHistory(room) ? 'chat' : 'live'}:${run}:${room}`;
export const hasHistory = (room: number): boolean => room % 2 === 0;
const roomOf = (name: string): number => Number(name.split(':')[2]);

/** A client of this package, behind a network that can fail. */
export class EnvelopeClient implements SubjectClient {
  private readonly socket: ClientSocket<FromServer, FromClient>;
  private readonly past: RoomPositions;
  private readonly sender: Reliable<FromClient>;
  private readonly entered = new Map<number, Entered>();
  private readonly arrivals: Arrival[] = [];
  private readonly entrances: Entrance[] = [];
  private readonly exits: { room: number; at: number }[] = [];
  private readonly sent: { id: string; room: number; outcome: Sent['outcome'] }[] = [];
  private readonly journal: string[] = [];
  private meta = 0;
  private connections = 0;
  private recoveries = 0;
  /** When the connection began, and how many messages had arrived then. */
  private begin = { at: 0, arrivals: 0 };

  constructor(
    private readonly run: number,
    private readonly client: number,
    readonly network: ClientNetwork,
  ) {
    let told = 0;
    const socket = connect<FromServer, FromClient>(`ws://127.0.0.1:${network.port}/ws`, {
      auth: () => ({ key: `r${run}c${client}`, meta: (told = this.meta) }),
      reconnectionDelay: 20,
      reconnectionDelayMax: 300,
      connectTimeout: 2_500,
      pingInterval: 1_000,
      pingTimeout: 1_000,
      ackTimeout: 4_000,
    });
    this.socket = socket;
    this.past = history(socket);
    this.sender = reliable(socket, { retries: 10_000, retryDelay: 50, timeout: 2_000 });
    socket.on('connect', () => {
      this.connections++;
      if (socket.recovered) this.recoveries++;
      this.begin = { at: now(), arrivals: this.arrivals.length };
      this.journal.push(
        `${now().toFixed(1)} connected to node ${network.node} as ${socket.id}${socket.recovered ? ', recovered' : ''}`,
      );
      if (told !== this.meta) this.sendMeta();
    });
    socket.on('disconnect', (reason, { code }) => {
      this.journal.push(`${now().toFixed(1)} ${reason}, ${code}`);
    });
    socket.on('said', ({ room, node: sender, number }) => {
      this.arrivals.push({ room: roomOf(room), node: sender, number, at: now() });
    });
  }

  enter(room: number): void {
    const name = roomName(this.run, room);
    let entered = this.entered.get(room);
    if (entered === undefined) {
      entered = { presence: presence<number>(this.socket, name), subscription: undefined };
      this.entered.set(room, entered);
    }
    if (entered.subscription !== undefined) return;
    const after = hasHistory(room) ? { after: this.past.after(name) } : {};
    entered.subscription = this.socket
      .subscribe('enter', { room: name }, { leave: 'leave', ...after })
      .onAnswer(({ complete }) => this.answered(room, complete));
  }

  private answered(room: number, complete: boolean | null): void {
    const wasHere =
      this.entrances.some((entrance) => entrance.room === room) ||
      this.arrivals.some((arrival) => arrival.room === room);
    this.entrances.push({
      room,
      askedAt: this.begin.at,
      from: this.begin.arrivals,
      at: now(),
      to: this.arrivals.length,
      isGap: complete === false || (complete === null && wasHere),
    });
  }

  leave(room: number): void {
    const entered = this.entered.get(room);
    if (entered?.subscription === undefined) return;
    entered.subscription.stop();
    entered.subscription = undefined;
    this.exits.push({ room, at: now() });
  }

  send(room: number, bytes: number): void {
    const number = this.sent.length + 1;
    const id = `c${this.client}:${number}`;
    const sent = { id, room, outcome: 'pending' as Sent['outcome'] };
    this.sent.push(sent);
    const work = number % 3 === 0 ? number % 12 : 0;
    this.sender
      .emitWithAck('send', { room: roomName(this.run, room), id, work, fill: 'x'.repeat(bytes) })
      .then(
        () => (sent.outcome = 'answered'),
        () => (sent.outcome = 'undelivered'),
      );
  }

  update(meta: number): void {
    this.meta = meta;
    if (this.socket.connected) this.sendMeta();
  }

  /** A message that is lost with its connection needs no repetition: the next connection begins with the meta. */
  private sendMeta(): void {
    this.socket.emitWithAck('meta', this.meta).catch(() => undefined);
  }

  get isSettled(): boolean {
    const subscriptions = [...this.entered.values()].flatMap(({ subscription }) => subscription ?? []);
    return (
      this.socket.connected &&
      this.sender.pending === 0 &&
      subscriptions.every(({ state }) => state === 'active')
    );
  }

  view(): ClientView {
    const rooms = [...this.entered].filter(([, { subscription }]) => subscription !== undefined);
    return {
      client: this.client,
      arrivals: [...this.arrivals],
      entrances: [...this.entrances],
      exits: [...this.exits],
      sent: this.sent.map((sent) => ({ ...sent })),
      rooms: rooms.map(([room]) => room),
      meta: this.meta,
      present: Object.fromEntries(rooms.map(([room, entered]) => [room, presentIn(entered.presence)])),
      connections: this.connections,
      recoveries: this.recoveries,
      journal: this.journal,
    };
  }

  close(): void {
    this.sender.stop();
    this.socket.disconnect();
  }
}

function presentIn({ isCurrent, members }: RoomPresence<number>): Record<string, number[]> | undefined {
  if (!isCurrent) return undefined;
  return Object.fromEntries(members.map(({ key, metas }) => [key, [...metas].sort((a, b) => a - b)]));
}
