import { WebSocket } from 'ws';
import { LONGEST_WAIT } from '../../support/longest-wait.js';

/** The data of the messages that nodes send repeatedly: the sender, a number and the time. */
export interface Tick {
  from: string;
  n: number;
  at: number;
}

/** A tick as a client received it. */
export interface ReceivedTick extends Tick {
  event: 'tick' | 'own';
  receivedAt: number;
}

const all = new Set<Listener>();
afterAll(() => {
  for (const { ws } of all) ws.terminate();
});

/**
 * A client that records the events with their times, and answers requests with the name of its node.
 * It is disconnected after the spec file.
 */
export class Listener {
  readonly received: ReceivedTick[] = [];
  /** The names of other events, in order. */
  readonly others: string[] = [];
  closed: number | undefined;
  private watchers: (() => void)[] = [];

  private constructor(
    readonly ws: WebSocket,
    /** The name of the node that it is connected to. */
    readonly node: string,
  ) {
    all.add(this);
    ws.on('message', (data) => this.handleFrame(JSON.parse(String(data)) as Frame));
    ws.on('close', (code) => (this.closed = code));
    ws.on('error', () => undefined);
  }

  static async connect(port: number, node: string): Promise<Listener> {
    const listener = new Listener(new WebSocket(`ws://127.0.0.1:${port}/ws`, 'envelope.v1'), node);
    await listener.until('the session', () => listener.others.includes('$session'));
    return listener;
  }

  /** Returns the messages of one node to the room. */
  ticksFrom(name: string, since = 0): ReceivedTick[] {
    return this.received.filter(({ event, from, at }) => event === 'tick' && from === name && at >= since);
  }

  /** What its own node sent, to the room and directly. */
  get local(): ReceivedTick[] {
    return this.received.filter(({ from }) => from === this.node);
  }

  /** Resolves when the condition holds. It is checked whenever a frame arrives. */
  async until(event: string, condition: () => boolean, timeout = LONGEST_WAIT): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const fail = (): void => reject(new Error(`${event} did not arrive at a client of ${this.node}`));
      const timer = setTimeout(fail, timeout);
      const check = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        this.watchers = this.watchers.filter((watcher) => watcher !== check);
        resolve();
      };
      this.watchers.push(check);
    });
  }

  private handleFrame({ event, data, id }: Frame): void {
    if (event === 'tick' || event === 'own')
      this.received.push({ ...(data as Tick), event, receivedAt: Date.now() });
    else this.others.push(event);
    if (id !== undefined) this.ws.send(JSON.stringify({ ack: id, data: this.node }));
    for (const watcher of this.watchers) watcher();
  }
}

interface Frame {
  event: string;
  data: unknown;
  id?: number;
}
