import type { Adapter, BroadcastOptions } from 'socket.io-adapter';
import { MemoryRecovery } from '../../lib/server/recovery/memory-recovery.js';
import { withChange } from '../../lib/server/recovery/membership.js';
import { resumes } from '../../lib/server/recovery/resume-queue.js';
import { beginSession, type Session } from '../../lib/server/recovery/session.js';
import type { Recovery, ResumeRequest } from '../../lib/server/recovery/types.js';
import { PacketEncoder } from '../../lib/server/rooms/packet-encoder.js';
import { isInTarget } from '../../lib/server/rooms/target.js';
import { ENVELOPE } from '../../lib/server/transport/encoding.js';
import type { Frame } from '../../lib/server/transport/frame.js';
import { newSeed, Random } from '../support/random.js';

/** A message as the reference stores it. */
interface Sent {
  readonly name: string;
  readonly length: number;
  /** `undefined`: all servers of the path. */
  readonly server: string | undefined;
  readonly target: { readonly rooms: ReadonlySet<string>; readonly except: ReadonlySet<string> };
  readonly offset: string;
}

/** A client with the rooms that it had when each message was sent: what the plain scan of the whole log needs. */
class ModelClient {
  readonly rooms: Set<string>;
  session: Session;
  isAway = false;
  /** For each message so far, whether it concerned this client then. */
  readonly concerned: boolean[] = [];

  constructor(
    readonly server: string,
    readonly id: string,
    private readonly recovery: Recovery,
    /** The number of messages before it connected. */
    readonly since: number,
  ) {
    this.rooms = new Set([id]);
    this.session = beginSession(id, recovery.offset!, undefined);
  }

  join(room: string): void {
    if (this.rooms.has(room)) return;
    this.rooms.add(room);
    this.change({ joined: [room] });
  }

  leave(room: string): void {
    if (this.rooms.delete(room)) this.change({ left: [room] });
  }

  private change(change: { joined?: string[]; left?: string[] }): void {
    const at = this.recovery.offset!;
    const { changes, forgotten } = withChange(this.session.changes, { at, ...change });
    this.session = { ...this.session, changes, from: forgotten ?? this.session.from };
  }
}

/** One path with several servers, and a log of all messages that were sent. */
class ModelPath {
  readonly recovery: MemoryRecovery;
  readonly sent: Sent[] = [];
  readonly clients: ModelClient[] = [];
  private readonly adapters = new Map<string | undefined, Adapter>();

  constructor(
    readonly servers: readonly string[],
    maxStoredBytes: number,
  ) {
    this.recovery = new MemoryRecovery({ maxDisconnectionDuration: 3_600_000, maxStoredBytes });
    for (const name of [undefined, ...servers]) {
      const server = { name, sockets: new Map(), _config: { services: { encoding: ENVELOPE } } };
      const encoder = new PacketEncoder(server);
      const nsp = { ...server, encoder, server: { encoder } };
      // the adapter of a RegExp namespace sends to the sockets of its children
      this.adapters.set(name, this.recovery.adapter(nsp, name === undefined ? () => undefined : undefined));
    }
  }

  of(server: string): Recovery {
    return this.recovery.of(undefined, server);
  }

  emit(server: string | undefined, target: Sent['target'], payload: string): void {
    const name = `m${this.sent.length}`;
    const options: BroadcastOptions = { rooms: new Set(target.rooms), except: new Set(target.except) };
    const packet = { type: 2, nsp: '/', data: [name, payload] };
    this.adapters.get(server)!.broadcast(packet, options);
    const { length } = JSON.stringify({ event: name, data: payload });
    this.sent.push({ name, length, server, target, offset: this.of(this.servers[0]!).offset! });
    for (const client of this.clients)
      client.concerned.push((server ?? client.server) === client.server && isInTarget(client.rooms, target));
  }

  /** Returns what a client missed after its first `received` messages, as a scan of the whole log. */
  missed(client: ModelClient, received: number): Sent[] {
    return this.sent.filter((_, index) => index >= received && client.concerned[index - client.since]);
  }
}

const request = (address: string, maxBytes: number): ResumeRequest => ({
  address,
  isShared: false,
  maxBytes,
  encoding: ENVELOPE,
  isOver: () => false,
});

const nameOf = (frame: Frame): string => (JSON.parse(frame.payload as string) as { event: string }).event;
const namesIn = (bytes: readonly Buffer[]): string[] =>
  [
    ...Buffer.concat(bytes)
      .toString('latin1')
      .matchAll(/"event":"(m\d+)"/g),
  ].map(([, name]) => name!);

describe('the sessions that clients resume, in memory', () => {
  const seed = newSeed();
  it(`miss what a scan of the whole log finds (SEED=${seed})`, async () => {
    const random = new Random(seed);
    const counts = { resumed: 0, messages: 0, refused: 0, changes: 0 };
    for (let round = 0; round < 100; round++) {
      const isSmall = random.chance(0.3);
      const path = new ModelPath(['/a', '/b'], isSmall ? 40_000 : 50_000_000);
      const rooms = Array.from({ length: 1 + random.below(12) }, (_, index) => `room ${index}`);
      const any = (): Set<string> =>
        new Set(Array.from({ length: random.below(4) }, () => random.pick([...rooms, ...ids()])));
      const ids = (): string[] => path.clients.map(({ id }) => id);
      const step = (): void => {
        const here = path.clients.filter(({ isAway }) => !isAway);
        const client = here.length > 0 ? random.pick(here) : undefined;
        if (random.chance(0.1)) client?.join(random.pick(rooms));
        if (random.chance(0.05)) client?.leave(random.pick(rooms));
        if (random.chance(0.05)) {
          const server = random.pick(path.servers);
          path.clients.push(
            new ModelClient(server, `id ${path.clients.length}`, path.of(server), path.sent.length),
          );
        }
        const target = {
          rooms: random.chance(0.2) ? new Set<string>() : any(),
          except: random.chance(0.5) ? new Set<string>() : any(),
        };
        path.emit(random.pick(['/a', '/b', undefined]), target, 'x'.repeat(random.below(60)));
      };
      for (let i = 20 + random.below(600); i > 0; i--) step();
      for (const client of [...path.clients]) {
        client.isAway = true;
        const recovery = path.of(client.server);
        const from = path.sent.findIndex((message) => message.offset === client.session.from) + 1;
        const received = from + random.below(path.sent.length - from + 1);
        const offset = received === 0 ? client.session.from : path.sent[received - 1]!.offset;
        counts.changes += client.session.changes.length;
        const { token, changes } = client.session;
        // the server has written more than the client received
        const { sent: _, ...session } = client.session;
        recovery.save({
          ...session,
          token,
          changes,
          sent: recovery.offset!,
          id: client.id,
          rooms: [...client.rooms],
          data: undefined,
          identity: 'user 1',
          address: client.id,
        });
        // what is sent while the client is away
        for (let i = random.below(20); i > 0; i--) step();
        const missed = path.missed(client, received);
        const length = missed.reduce((sum, message) => sum + message.length, 0);
        const maxBytes = random.chance(0.2) ? random.below(2_000) : 10_000_000;
        const resuming = recovery.resume(token, offset, request(`${round} ${client.id}`, maxBytes));
        const found = await resuming;
        if (found === undefined) {
          counts.refused++;
          // each offset and the end of the field take some bytes more
          expect(isSmall || length + 60 * missed.length > maxBytes).toBe(true);
          continue;
        }
        counts.resumed++;
        counts.messages += missed.length;
        expect(length).toBeLessThanOrEqual(maxBytes);
        const names = missed.map(({ name }) => name);
        expect(found.missed.map(nameOf)).toEqual(names);
        expect(found.missed.map((frame) => frame.offset)).toEqual(missed.map((message) => message.offset));
        expect(namesIn(found.bytes!)).toEqual(names);
        // what is sent before the client has joined its rooms again
        const before = path.sent.length;
        for (let i = random.below(5); i > 0; i--) step();
        const later = found.finish();
        if (later !== undefined || !isSmall)
          expect(later?.map(nameOf)).toEqual(path.missed(client, before).map(({ name }) => name));
      }
    }
    expect(counts.resumed).toBeGreaterThan(500);
    expect(counts.messages).toBeGreaterThan(20_000);
    expect(counts.changes).toBeGreaterThan(1_000);
    expect(counts.refused).toBeGreaterThan(50);
  });

  it('cost what they deliver: a log of 50,000 messages to other rooms adds nothing', async () => {
    const path = new ModelPath(['/a'], 500_000_000);
    const recovery = path.of('/a');
    const clients = Array.from(
      { length: 50 },
      (_, index) => new ModelClient('/a', `id ${index}`, recovery, 0),
    );
    for (let i = 0; i < 50_000; i++) {
      const room = i % 500 === 0 ? 'room 1' : `other ${i % 499}`;
      path.emit('/a', { rooms: new Set([room]), except: new Set() }, '');
    }
    for (const client of clients) {
      client.rooms.add('room 1');
      const { token, from } = client.session;
      recovery.save({
        ...client.session,
        sent: recovery.offset!,
        id: client.id,
        rooms: [...client.rooms],
        data: undefined,
        identity: 'user 1',
        address: client.id,
      });
      const { units } = resumes;
      const found = await recovery.resume(token, from, request(client.id, Infinity));
      expect(found?.missed).toHaveLength(100);
      // the rooms, each message twice (to find it, and to encode it), and what any resume costs
      expect(resumes.units - units).toBeLessThanOrEqual(2 * 3 + 2 * 100 + 50);
    }
  });
});
