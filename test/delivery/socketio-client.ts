import { io, type Socket } from 'socket.io-client';
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

type Answer = (error: Error | null) => void;
interface FromClient {
  enter: (room: string, answer: Answer) => void;
  leave: (room: string, answer: Answer) => void;
  send: (message: Send, answer: Answer) => void;
}
interface FromServer {
  said: (message: Heard) => void;
}

/** Names a room of a run. */
export const roomName = (run: number, room: number): string => `room:${run}:${room}`;
const roomOf = (name: string): number => Number(name.split(':')[2]);

/**
 * A client of Socket.IO with `retries` and `ackTimeout`, behind a network that can fail. It enters its rooms again when its
 * session was not recovered, and counts that as being told that messages are missing.
 */
export class SocketIoClient implements SubjectClient {
  private readonly socket: Socket<FromServer, FromClient>;
  /** The rooms that it wants to be in, and those that it knows to be in. */
  private readonly rooms = new Set<number>();
  private readonly entered = new Set<number>();
  private readonly arrivals: Arrival[] = [];
  private readonly entrances: Entrance[] = [];
  private readonly exits: { room: number; at: number }[] = [];
  private readonly sent: { id: string; room: number; outcome: Sent['outcome'] }[] = [];
  private meta = 0;
  private unanswered = 0;
  private connections = 0;
  private recoveries = 0;
  private begin = { at: 0, arrivals: 0 };

  constructor(
    private readonly run: number,
    private readonly client: number,
    readonly network: ClientNetwork,
  ) {
    let told: number[] = [];
    this.socket = io(`http://127.0.0.1:${network.port}`, {
      transports: ['websocket'],
      forceNew: true,
      // the same times as those of the other subject
      retries: 10_000,
      ackTimeout: 2_000,
      reconnectionDelay: 20,
      reconnectionDelayMax: 300,
      timeout: 2_500,
      auth: (give) => {
        told = [...this.rooms];
        give({ rooms: told.map((room) => roomName(run, room)) });
      },
    });
    this.socket.on('connect', () => {
      this.connections++;
      this.begin = { at: now(), arrivals: this.arrivals.length };
      if (this.socket.recovered) return void this.recoveries++;
      this.entered.clear();
      for (const room of told) this.answered(room);
    });
    this.socket.on('said', ({ room, node: sender, number }) => {
      this.arrivals.push({ room: roomOf(room), node: sender, number, at: now() });
    });
  }

  enter(room: number): void {
    if (this.rooms.has(room)) return;
    this.rooms.add(room);
    this.unanswered++;
    this.socket.emit('enter', roomName(this.run, room), () => {
      this.unanswered--;
      this.answered(room);
    });
  }

  private answered(room: number): void {
    if (!this.rooms.has(room)) return;
    const wasHere =
      this.entrances.some((entrance) => entrance.room === room) ||
      this.arrivals.some((arrival) => arrival.room === room);
    // a new connection may have entered the room before the request was answered
    if (this.entered.has(room)) return;
    this.entered.add(room);
    this.entrances.push({
      room,
      askedAt: this.begin.at,
      from: this.begin.arrivals,
      at: now(),
      to: this.arrivals.length,
      isGap: wasHere,
    });
  }

  leave(room: number): void {
    if (!this.rooms.delete(room)) return;
    this.entered.delete(room);
    this.unanswered++;
    this.socket.emit('leave', roomName(this.run, room), () => this.unanswered--);
    this.exits.push({ room, at: now() });
  }

  send(room: number, bytes: number): void {
    const number = this.sent.length + 1;
    const id = `c${this.client}:${number}`;
    const sent = { id, room, outcome: 'pending' as Sent['outcome'] };
    this.sent.push(sent);
    const work = number % 3 === 0 ? number % 12 : 0;
    const message = { room: roomName(this.run, room), id, work, fill: 'x'.repeat(bytes) };
    this.socket.emit('send', message, (error) => {
      sent.outcome = error === null ? 'answered' : 'undelivered';
    });
  }

  /** Socket.IO has no presence. */
  update(meta: number): void {
    this.meta = meta;
  }

  get isSettled(): boolean {
    return (
      this.socket.connected &&
      this.unanswered === 0 &&
      this.sent.every(({ outcome }) => outcome !== 'pending')
    );
  }

  view(): ClientView {
    return {
      client: this.client,
      arrivals: [...this.arrivals],
      entrances: [...this.entrances],
      exits: [...this.exits],
      sent: this.sent.map((sent) => ({ ...sent })),
      rooms: [...this.rooms],
      meta: this.meta,
      connections: this.connections,
      recoveries: this.recoveries,
    };
  }

  close(): void {
    this.socket.disconnect();
  }
}
