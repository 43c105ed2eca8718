import { io, type Socket } from 'socket.io-client';
import { Waiter } from '../support/client.js';
import type { TestApp } from '../support/app.js';
import { RecoveringClient } from './recovery-client.js';
import { LONGEST_WAIT } from '../support/longest-wait.js';

/** A client that loses its connection at random times, of either protocol. */
export interface RandomClient {
  readonly id: string;
  /** Whether the last connection resumed the session. */
  readonly isRecovered: boolean;
  /** The names of the events received on all of its connections. */
  events(): readonly string[];
  /** Connects with the session of an earlier connection. */
  connect(app: TestApp): Promise<void>;
  /** Ends the connection; the server notices it. */
  cut(): Promise<void>;
  /** Reads no more, as a phone that changes its network: the server does not notice. */
  fallSilent(): void;
  /** Resolves when the condition holds. Checks it at each event. */
  until(what: string, condition: () => boolean): Promise<unknown>;
}

/** A client of the envelope protocol. */
export class RandomEnvelopeClient implements RandomClient {
  private readonly client = new RecoveringClient();

  get id(): string {
    return this.client.hello.id;
  }
  get isRecovered(): boolean {
    return this.client.hello.recovered;
  }
  events(): readonly string[] {
    return this.client.collect();
  }
  async connect(app: TestApp): Promise<void> {
    await this.client.connect(app);
    await this.client.settled();
  }
  cut(): Promise<void> {
    return this.client.cut();
  }
  fallSilent(): void {
    this.client.client.ws.pause();
    this.client.collect();
  }
  until(what: string, condition: () => boolean): Promise<unknown> {
    return this.client.client.until(what, condition);
  }
}

/** What `socket.io-client` keeps to recover. */
interface Recovering {
  _pid?: unknown;
  _lastOffset?: unknown;
}

/** A client of Socket.IO. Needs an event before it can resume: its offset is the last argument of each. */
export class RandomIoClient implements RandomClient {
  isRecovered = false;
  private readonly names: string[] = [];
  private readonly waiter = new Waiter(LONGEST_WAIT);
  private socket: Socket | undefined;

  get id(): string {
    return this.socket!.id!;
  }
  events(): readonly string[] {
    return this.names;
  }

  /** A new socket each time: a silent one stays open. */
  async connect({ port }: Pick<TestApp, 'port'>): Promise<void> {
    const former = this.socket as Recovering | undefined;
    const socket = io(`http://127.0.0.1:${port}/ws`, {
      forceNew: true,
      transports: ['websocket'],
      reconnection: false,
      autoConnect: false,
    });
    if (former !== undefined) Object.assign(socket, { _pid: former._pid, _lastOffset: former._lastOffset });
    this.socket = socket;
    socket.onAny((event: string) => {
      if (this.socket !== socket) return;
      this.names.push(event);
      this.waiter.notify();
    });
    socket.on('connect', () => this.waiter.notify());
    socket.connect();
    await this.until('connect', () => socket.connected);
    this.isRecovered = socket.recovered;
  }

  async cut(): Promise<void> {
    const { socket } = this;
    socket!.on('disconnect', () => this.waiter.notify());
    const ws = Reflect.get(socket!.io.engine.transport, 'ws') as { terminate(): void };
    ws.terminate();
    await this.until('disconnect', () => !socket!.connected);
  }

  fallSilent(): void {
    const ws = Reflect.get(this.socket!.io.engine.transport, 'ws') as { pause(): void };
    ws.pause();
    const socket = this.socket!;
    this.silent.push(socket);
  }
  private readonly silent: Socket[] = [];

  until(what: string, condition: () => boolean): Promise<unknown> {
    return this.waiter.until(what, () => condition() || undefined);
  }

  /** Ends all of its connections. */
  close(): void {
    for (const socket of [...this.silent, this.socket!]) {
      const ws = Reflect.get(socket.io.engine.transport, 'ws') as { terminate(): void } | undefined;
      ws?.terminate();
      socket.disconnect();
    }
  }
}
