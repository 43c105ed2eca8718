import { WebSocket } from 'ws';

/** What nodes send all the time: the number and the time of it, and by whom. */
export interface Tick {
  from: string;
  n: number;
  at: number;
}

/** One of them as it arrived. */
export interface Heard extends Tick {
  event: 'tick' | 'own';
  got: number;
}

const PATIENCE = 20_000;

const all = new Set<Listener>();
afterAll(() => {
  for (const { ws } of all) ws.terminate();
});

/** A client that writes down what came when, and says who it is when asked; ended after the spec file. */
export class Listener {
  readonly heard: Heard[] = [];
  /** Names of other events, in order. */
  readonly others: string[] = [];
  closed: number | undefined;
  private watchers: (() => void)[] = [];

  private constructor(
    readonly ws: WebSocket,
    /** Of the node that it is connected to. */
    readonly node: string,
  ) {
    all.add(this);
    ws.on('message', (data) => this.take(JSON.parse(String(data)) as Frame));
    ws.on('close', (code) => (this.closed = code));
    ws.on('error', () => undefined);
  }

  static async connect(port: number, node: string): Promise<Listener> {
    const listener = new Listener(new WebSocket(`ws://127.0.0.1:${port}/ws`, 'envelope.v1'), node);
    await listener.until('the session', () => listener.others.includes('$session'));
    return listener;
  }

  /** Room-wide messages of one node. */
  ticksFrom(name: string, since = 0): Heard[] {
    return this.heard.filter(({ event, from, at }) => event === 'tick' && from === name && at >= since);
  }

  /** What its own node sent, to the room and to it alone. */
  get local(): Heard[] {
    return this.heard.filter(({ from }) => from === this.node);
  }

  /** Resolves when the condition holds; it is looked at whenever something arrives. */
  async until(what: string, condition: () => boolean, patience = PATIENCE): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const fail = (): void => reject(new Error(`${what} did not come to a client of ${this.node}`));
      const timer = setTimeout(fail, patience);
      const check = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        this.watchers = this.watchers.filter((watcher) => watcher !== check);
        resolve();
      };
      this.watchers.push(check);
    });
  }

  private take({ event, data, id }: Frame): void {
    if (event === 'tick' || event === 'own') this.heard.push({ ...(data as Tick), event, got: Date.now() });
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
