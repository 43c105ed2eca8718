import { WebSocketGateway } from '@nestjs/websockets';
import type { BroadcastOperator, EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import type { TestApp } from './app.js';
import type { TestClient } from './client.js';
import type { Random } from './random.js';

const STEPS = 60;
const ROOMS = ['red', 'green', 'blue'];
const REQUESTS = 8;

@WebSocketGateway({ path: '/ws' })
export class EmitModelGateway {
  readonly clients: EnvelopeSocket[] = [];
  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
  }
}

/** A socket, its client, and what the model says that the client must have got. */
export interface ModelClient {
  socket: EnvelopeSocket;
  client: TestClient;
  rooms: Set<string>;
  isOpen: boolean;
  expected: string[];
  /** Requests of the client that the server has not answered yet. */
  open: ((...values: unknown[]) => void)[];
  acks: number;
}

const encode = (event: string, data: unknown, ack?: unknown): string =>
  JSON.stringify([event, data, ack ?? null]);

/** Runs random operations on some sockets and keeps, beside each, what it must come to. */
export class ModelRun {
  private count = 0;

  constructor(
    private readonly random: Random,
    private readonly server: EnvelopeServer,
    private readonly clients: ModelClient[],
    /** Clients may stop reading for a while, and are let go when they do so for too long. */
    private readonly mayBeSlow = false,
  ) {}

  /** Data that was never sent before, of any size: small ones share a write, large ones flush at once. */
  private data(): unknown {
    const size = this.random.chance(this.mayBeSlow ? 0.2 : 0.04) ? 70_000 : this.random.chance(0.2) ? 200 : 0;
    return `${this.count++}${this.random.pick(['x', 'ü', '😀']).repeat(size)}`;
  }

  private members(rooms: readonly string[]): ModelClient[] {
    if (rooms.length === 0) return this.clients.filter((seat) => seat.isOpen);
    return this.clients.filter((seat) => seat.isOpen && rooms.some((room) => this.isIn(seat, room)));
  }

  private isIn(seat: ModelClient, room: string): boolean {
    return seat.rooms.has(room) || seat.socket.id === room;
  }

  /** A target of the server's or of a socket's, and those who are in it. */
  private target(from: ModelClient | undefined): { operator: BroadcastOperator; seats: ModelClient[] } {
    const { random } = this;
    const names = [...ROOMS, random.pick(this.clients).socket.id];
    const rooms = random.some(names);
    const except = random.chance(0.4) ? random.some(names) : [];
    let operator = from === undefined ? this.server.to([]) : from.socket.broadcast;
    // in one step or one by one, in any order
    if (random.chance(0.5)) operator = operator.except(except).to(rooms);
    else {
      for (const room of rooms) operator = operator.to(room);
      for (const room of except) operator = operator.except([room]);
    }
    const out = (seat: ModelClient): boolean => seat === from || except.some((room) => this.isIn(seat, room));
    return { operator, seats: this.members(rooms).filter((seat) => !out(seat)) };
  }

  private readonly operations: ((seat: ModelClient) => void)[] = [
    (seat) => {
      const data = this.data();
      expect(seat.socket.emit('direct', data)).toBe(seat.isOpen);
      if (seat.isOpen) seat.expected.push(encode('direct', data));
    },
    (seat) => {
      const data = this.data();
      seat.socket.compress(this.random.chance(0.5)).emit('direct', data, 'more');
      if (seat.isOpen) seat.expected.push(encode('direct', [data, 'more']));
    },
    (seat) => {
      const text = JSON.stringify({ event: 'raw', data: this.data() });
      const payload = this.random.chance(0.5) ? text : Buffer.from(text);
      if (!seat.isOpen) return;
      if (this.random.chance(0.7)) seat.socket.send(payload);
      else seat.socket.send(payload, { compress: this.random.chance(0.5) }, () => undefined);
      seat.expected.push(encode('raw', JSON.parse(text).data));
    },
    (seat) => {
      const data = this.data();
      const isTaken = seat.isOpen && !seat.socket.request.socket.writableNeedDrain;
      seat.socket.volatile.emit('volatile', data);
      if (isTaken) seat.expected.push(encode('volatile', data));
    },
    (seat) => {
      const data = this.data();
      if (!seat.isOpen) return;
      seat.socket.timeout(60_000).emit('asked', data, () => undefined);
      seat.expected.push(encode('asked', data));
    },
    (seat) => this.broadcast(this.random.chance(0.5) ? seat : undefined),
    (seat) => this.broadcast(this.random.chance(0.5) ? seat : undefined),
    (seat) => this.broadcast(this.random.chance(0.5) ? seat : undefined),
    (seat) => {
      const data = this.data();
      const takers = this.members([]).filter(({ socket }) => !socket.request.socket.writableNeedDrain);
      this.server.volatile.emit('volatile', data);
      for (const { expected } of takers) expected.push(encode('volatile', data));
      void seat;
    },
    (seat) => {
      const room = this.random.pick(ROOMS);
      void seat.socket.join(room);
      if (seat.isOpen) seat.rooms.add(room);
    },
    (seat) => {
      const room = this.random.pick(ROOMS);
      void seat.socket.leave(room);
      seat.rooms.delete(room);
    },
    (seat) => {
      const [room, other] = [this.random.pick(ROOMS), this.random.pick(ROOMS)];
      for (const member of this.members([room])) member.rooms.add(other);
      this.server.in(room).socketsJoin(other);
      void seat;
    },
    (seat) => {
      const ack = seat.open.shift();
      const data = this.data();
      ack?.(data);
      if (ack !== undefined && seat.isOpen) seat.expected.push(encode('hold', data, seat.acks++));
    },
    (seat) => {
      if (seat.isOpen) seat.socket.ping();
    },
    (seat) => {
      if (!this.random.chance(0.08)) return;
      if (this.random.chance(0.5)) seat.socket.disconnect();
      else this.server.in(seat.socket.id).disconnectSockets();
      seat.isOpen = false;
      seat.rooms.clear();
    },
  ];

  /** The server let go of those that read too slowly. */
  private markDisconnected(): void {
    for (const seat of this.clients) {
      if (!seat.isOpen || seat.socket.connected) continue;
      seat.isOpen = false;
      seat.rooms.clear();
    }
  }

  private toggleReading({ client }: ModelClient): void {
    if (client.ws.isPaused) client.ws.resume();
    else client.ws.pause();
  }

  private broadcast(from: ModelClient | undefined): void {
    const { operator, seats } = this.target(from);
    const data = this.data();
    const flagged = this.random.chance(0.2) ? operator.compress(false) : operator;
    (this.random.chance(0.5) ? flagged.local : flagged).emit('room', data);
    for (const { expected } of seats) expected.push(encode('room', data));
  }

  async run(): Promise<void> {
    const pauses = [
      () => undefined,
      () => undefined,
      () => undefined,
      () => Promise.resolve(),
      () => new Promise<void>((resolve) => process.nextTick(resolve)),
      () => new Promise<void>((resolve) => setImmediate(resolve)),
    ];
    for (let step = 0; step < STEPS; step++) {
      if (this.mayBeSlow) this.markDisconnected();
      if (this.mayBeSlow && this.random.chance(0.1)) this.toggleReading(this.random.pick(this.clients));
      else this.random.pick(this.operations)(this.random.pick(this.clients));
      const pause = this.random.pick(pauses)();
      // no await at all where there is none: the next operation is in the same turn
      if (pause !== undefined) await pause;
    }
    if (this.mayBeSlow) this.markDisconnected();
    for (const seat of this.clients) {
      seat.socket.emit('end');
      if (seat.isOpen) seat.expected.push(encode('end', undefined));
    }
  }
}

export async function connectModelClient(app: TestApp, perMessageDeflate: boolean): Promise<ModelClient> {
  const { clients } = app.nest.get(EmitModelGateway);
  const client = await app.connect('/ws', {
    perMessageDeflate: perMessageDeflate ? { threshold: 0 } : false,
  });
  const socket = clients.at(-1)!;
  const seat: ModelClient = {
    socket,
    client,
    rooms: new Set(),
    isOpen: true,
    expected: [],
    open: [],
    acks: 0,
  };
  socket.on('hold', (_data: unknown, ack: (...values: unknown[]) => void) => void seat.open.push(ack));
  for (let id = 0; id < REQUESTS; id++) client.send({ event: 'hold', id, data: 0 });
  await client.settled();
  return seat;
}

/** What the client got, without what it takes to get there. */
export function receivedLines({ client }: ModelClient): string[] {
  const got = client.frames.filter(({ event }) => event !== '$ping');
  return got.map(({ event, data, ack }) => encode(event!, data, ack));
}
