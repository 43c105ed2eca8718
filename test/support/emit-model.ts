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

/** A socket, its client, and the messages that the client must receive according to the model. */
export interface ModelClient {
  socket: EnvelopeSocket;
  client: TestClient;
  rooms: Set<string>;
  isOpen: boolean;
  expected: string[];
  /** Acks of requests that the server has not answered yet. */
  open: ((...values: unknown[]) => void)[];
  acks: number;
}

const encode = (event: string, data: unknown, ack?: unknown): string =>
  JSON.stringify([event, data, ack ?? null]);

/** Runs random operations on some sockets, and records what each client must receive. */
export class ModelRun {
  private count = 0;

  constructor(
    private readonly random: Random,
    private readonly server: EnvelopeServer,
    private readonly clients: ModelClient[],
    /** Whether clients may stop reading for a while. The server disconnects them when they do so for too long. */
    private readonly mayBeSlow = false,
  ) {}

  /** Returns new unique data of a random size: small messages share a write, large ones flush at once. */
  private data(): unknown {
    const size = this.random.chance(this.mayBeSlow ? 0.2 : 0.04) ? 70_000 : this.random.chance(0.2) ? 200 : 0;
    return `${this.count++}${this.random.pick(['x', 'ü', '😀']).repeat(size)}`;
  }

  private members(rooms: readonly string[]): ModelClient[] {
    if (rooms.length === 0) return this.clients.filter((client) => client.isOpen);
    return this.clients.filter((client) => client.isOpen && rooms.some((room) => this.isIn(client, room)));
  }

  private isIn(client: ModelClient, room: string): boolean {
    return client.rooms.has(room) || client.socket.id === room;
  }

  /** Returns a random target of the server or of a socket, and the clients in it. */
  private target(from: ModelClient | undefined): { operator: BroadcastOperator; clients: ModelClient[] } {
    const { random } = this;
    const names = [...ROOMS, random.pick(this.clients).socket.id];
    const rooms = random.some(names);
    const except = random.chance(0.4) ? random.some(names) : [];
    let operator = from === undefined ? this.server.to([]) : from.socket.broadcast;
    // in one call or one by one
    if (random.chance(0.5)) operator = operator.except(except).to(rooms);
    else {
      for (const room of rooms) operator = operator.to(room);
      for (const room of except) operator = operator.except([room]);
    }
    const out = (client: ModelClient): boolean =>
      client === from || except.some((room) => this.isIn(client, room));
    return { operator, clients: this.members(rooms).filter((client) => !out(client)) };
  }

  private readonly operations: ((client: ModelClient) => void)[] = [
    (client) => {
      const data = this.data();
      expect(client.socket.emit('direct', data)).toBe(client.isOpen);
      if (client.isOpen) client.expected.push(encode('direct', data));
    },
    (client) => {
      const data = this.data();
      client.socket.compress(this.random.chance(0.5)).emit('direct', data, 'more');
      if (client.isOpen) client.expected.push(encode('direct', [data, 'more']));
    },
    (client) => {
      const text = JSON.stringify({ event: 'raw', data: this.data() });
      const payload = this.random.chance(0.5) ? text : Buffer.from(text);
      if (!client.isOpen) return;
      if (this.random.chance(0.7)) client.socket.send(payload);
      else client.socket.send(payload, { compress: this.random.chance(0.5) }, () => undefined);
      client.expected.push(encode('raw', JSON.parse(text).data));
    },
    (client) => {
      const data = this.data();
      const isTaken = client.isOpen && !client.socket.request.socket.writableNeedDrain;
      client.socket.volatile.emit('volatile', data);
      if (isTaken) client.expected.push(encode('volatile', data));
    },
    (client) => {
      const data = this.data();
      if (!client.isOpen) return;
      client.socket.timeout(60_000).emit('asked', data, () => undefined);
      client.expected.push(encode('asked', data));
    },
    (client) => this.broadcast(this.random.chance(0.5) ? client : undefined),
    (client) => this.broadcast(this.random.chance(0.5) ? client : undefined),
    (client) => this.broadcast(this.random.chance(0.5) ? client : undefined),
    (client) => {
      const data = this.data();
      const takers = this.members([]).filter(({ socket }) => !socket.request.socket.writableNeedDrain);
      this.server.volatile.emit('volatile', data);
      for (const { expected } of takers) expected.push(encode('volatile', data));
      void client;
    },
    (client) => {
      const room = this.random.pick(ROOMS);
      void client.socket.join(room);
      if (client.isOpen) client.rooms.add(room);
    },
    (client) => {
      const room = this.random.pick(ROOMS);
      void client.socket.leave(room);
      client.rooms.delete(room);
    },
    (client) => {
      const [room, other] = [this.random.pick(ROOMS), this.random.pick(ROOMS)];
      for (const member of this.members([room])) member.rooms.add(other);
      this.server.in(room).socketsJoin(other);
      void client;
    },
    (client) => {
      const ack = client.open.shift();
      const data = this.data();
      ack?.(data);
      if (ack !== undefined && client.isOpen) client.expected.push(encode('hold', data, client.acks++));
    },
    (client) => {
      if (client.isOpen) client.socket.ping();
    },
    (client) => {
      if (!this.random.chance(0.08)) return;
      if (this.random.chance(0.5)) client.socket.disconnect();
      else this.server.in(client.socket.id).disconnectSockets();
      client.isOpen = false;
      client.rooms.clear();
    },
  ];

  /** Marks the clients that the server disconnected because they read too slowly. */
  private markDisconnected(): void {
    for (const client of this.clients) {
      if (!client.isOpen || client.socket.connected) continue;
      client.isOpen = false;
      client.rooms.clear();
    }
  }

  private toggleReading({ client }: ModelClient): void {
    if (client.ws.isPaused) client.ws.resume();
    else client.ws.pause();
  }

  private broadcast(from: ModelClient | undefined): void {
    const { operator, clients } = this.target(from);
    const data = this.data();
    const flagged = this.random.chance(0.2) ? operator.compress(false) : operator;
    (this.random.chance(0.5) ? flagged.local : flagged).emit('room', data);
    for (const { expected } of clients) expected.push(encode('room', data));
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
      // without an await, the next operation runs in the same turn
      if (pause !== undefined) await pause;
    }
    if (this.mayBeSlow) this.markDisconnected();
    for (const client of this.clients) {
      client.socket.emit('end');
      if (client.isOpen) client.expected.push(encode('end', undefined));
    }
  }
}

export async function connectModelClient(app: TestApp, perMessageDeflate: boolean): Promise<ModelClient> {
  const { clients } = app.nest.get(EmitModelGateway);
  const client = await app.connect('/ws', {
    perMessageDeflate: perMessageDeflate ? { threshold: 0 } : false,
  });
  const socket = clients.at(-1)!;
  const modelClient: ModelClient = {
    socket,
    client,
    rooms: new Set(),
    isOpen: true,
    expected: [],
    open: [],
    acks: 0,
  };
  socket.on('hold', (_data: unknown, ack: (...values: unknown[]) => void) => void modelClient.open.push(ack));
  for (let id = 0; id < REQUESTS; id++) client.send({ event: 'hold', id, data: 0 });
  await client.settled();
  return modelClient;
}

/** Returns what the client received, without the pings of `settled`. */
export function receivedLines({ client }: ModelClient): string[] {
  const got = client.frames.filter(({ event }) => event !== '$ping');
  return got.map(({ event, data, ack }) => encode(event!, data, ack));
}
