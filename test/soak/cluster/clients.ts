import { isDeepStrictEqual } from 'node:util';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { messagePack } from '../../../lib/client/msgpack.js';
import { connect as connectEnvelope } from '../../../lib/client/node.js';
import type { Random } from '../../support/random.js';
import { KINDS, type Kind, type Latencies } from './figures.js';

/** Milliseconds until a request without an answer counts as lost. */
const TIMEOUT = 8_000;
/** The mean time between two messages of a client, in milliseconds. */
const PAUSE = 150;

/** A connection of any kind, which reconnects by itself. */
interface Link {
  readonly isConnected: boolean;
  /** Resolves with the answer, and rejects without one. */
  ask(event: string, data: unknown): Promise<unknown>;
  send(event: string, data: unknown): void;
  close(): void;
}

const LINKS: Readonly<Record<Kind, (port: number, id: string) => Link>> = {
  envelope: (port, id) => envelopeLink(port, id, {}),
  messagepack: (port, id) => envelopeLink(port, id, { codec: messagePack() }),
  'socket.io': socketIoLink,
  bare: (port) => new BareLink(port),
};

function envelopeLink(port: number, id: string, options: { codec?: ReturnType<typeof messagePack> }): Link {
  const socket = connectEnvelope(`ws://127.0.0.1:${port}/live`, {
    auth: { id },
    ackTimeout: TIMEOUT,
    reconnectionDelay: 200,
    reconnectionDelayMax: 1_000,
    ...options,
  });
  return {
    get isConnected() {
      return socket.state === 'open';
    },
    ask: (event, data) => socket.emitWithAck(event, data) as Promise<unknown>,
    send: (event, data) => void socket.emit(event, data),
    close: () => socket.disconnect(),
  };
}

function socketIoLink(port: number, id: string): Link {
  const socket = io(`http://127.0.0.1:${port}/live`, {
    transports: ['websocket'],
    forceNew: true,
    auth: { id },
    reconnectionDelay: 200,
    reconnectionDelayMax: 1_000,
  });
  return {
    get isConnected() {
      return socket.connected;
    },
    ask: (event, data) => socket.timeout(TIMEOUT).emitWithAck(event, data) as Promise<unknown>,
    send: (event, data) => void socket.emit(event, data),
    close: () => socket.disconnect(),
  };
}

/** A plain WebSocket, without a subprotocol. */
class BareLink implements Link {
  private ws!: WebSocket;
  private readonly waiting = new Map<number, { answer: (data: unknown) => void; fail: () => void }>();
  private ids = 0;
  private isClosed = false;

  constructor(private readonly port: number) {
    this.open();
  }

  get isConnected(): boolean {
    return this.ws.readyState === WebSocket.OPEN;
  }

  ask(event: string, data: unknown): Promise<unknown> {
    const id = ++this.ids;
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        this.waiting.delete(id);
        end();
      };
      const fail = (): void => settle(() => reject(new Error('no answer')));
      const timer = setTimeout(fail, TIMEOUT);
      this.waiting.set(id, { answer: (data) => settle(() => resolve(data)), fail });
      this.write({ event, data, id });
    });
  }

  send(event: string, data: unknown): void {
    this.write({ event, data });
  }

  close(): void {
    this.isClosed = true;
    this.ws.close();
  }

  private write(message: object): void {
    if (this.isConnected) this.ws.send(JSON.stringify(message));
  }

  private open(): void {
    this.ws = new WebSocket(`ws://127.0.0.1:${this.port}/soak`);
    this.ws.on('error', () => undefined);
    this.ws.on('message', (text) => {
      const { ack, data } = JSON.parse(String(text)) as { ack?: number; data?: unknown };
      if (ack !== undefined) this.waiting.get(ack)?.answer(data);
    });
    this.ws.on('close', () => {
      for (const { fail } of [...this.waiting.values()]) fail();
      setTimeout(() => {
        if (!this.isClosed) this.open();
      }, 300);
    });
  }
}

/** Clients that come, talk and go. */
export class Crowd {
  private readonly links = new Set<Link>();
  private isOver = false;
  private ids = 0;
  /** What no client may see: an answer that is not the one to its request. */
  readonly wrong: string[] = [];
  /** How many clients there were. */
  count = 0;

  constructor(
    private readonly port: number,
    private readonly random: Random,
    private readonly latencies: Latencies,
  ) {}

  get connected(): number {
    return [...this.links].filter(({ isConnected }) => isConnected).length;
  }

  /** Runs this number of clients at a time, of all kinds, until {@link end}. */
  async run(clients: number, longest: number): Promise<void> {
    const places = Array.from({ length: clients }, async (_, place) => {
      while (!this.isOver) await this.live(KINDS[place % KINDS.length]!, longest);
    });
    await Promise.all(places);
  }

  end(): void {
    this.isOver = true;
  }

  /** One client from its connect to its disconnect. */
  private async live(kind: Kind, longest: number): Promise<void> {
    this.count++;
    const link = LINKS[kind](this.port, `user ${++this.ids}`);
    this.links.add(link);
    const until = performance.now() + longest * (0.1 + 0.9 * this.random.next());
    const open: Promise<void>[] = [];
    const state = { isLeaving: false };
    while (!this.isOver && performance.now() < until) {
      await this.sleep(2 * PAUSE * this.random.next());
      if (link.isConnected) open.push(this.act(kind, link, state));
    }
    // what is in flight may end, unless the client leaves without waiting
    if (this.isOver || this.random.chance(0.7)) await Promise.all(open);
    state.isLeaving = true;
    link.close();
    this.links.delete(link);
  }

  private async act(kind: Kind, link: Link, state: { readonly isLeaving: boolean }): Promise<void> {
    const what = this.random.below(10);
    if (what === 0) return link.send('broadcast', { n: this.ids });
    if (what === 1) return link.send('join', `room ${this.random.below(50)}`);
    if (what === 2) return link.send('leave', `room ${this.random.below(50)}`);
    const data = { text: 'x'.repeat(this.random.below(2_000)), n: this.random.below(1e6) };
    const start = performance.now();
    try {
      const answer = await link.ask('echo', data);
      this.latencies.add(kind, performance.now() - start);
      if (!isDeepStrictEqual(answer, data))
        this.wrong.push(`${kind}: ${JSON.stringify(answer)?.slice(0, 200)}`);
    } catch {
      if (!state.isLeaving) this.latencies.lost++;
    }
  }

  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void setTimeout(resolve, milliseconds));
  }
}
