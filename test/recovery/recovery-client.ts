import type { TestApp } from '../support/app.js';
import type { ConnectOptions, Received, TestClient } from '../support/client.js';

export interface Frame extends Received {
  offset?: string;
}

const encode = (auth: object): string =>
  `envelope.auth.${Buffer.from(JSON.stringify(auth)).toString('base64url')}`;

/** A client as PROTOCOL.md has it: it keeps its session, and the offset of whatever came last. */
export class Returning {
  session: string | undefined;
  offset: string | undefined;
  /** What `$session` said last. */
  hello!: { id: string; recovered: boolean; session?: string; features: string[] };
  /** Names of the events that came on any of its connections. */
  readonly events: string[] = [];
  client!: TestClient;

  constructor(private readonly auth: object = {}) {}

  /** Connects, with what it has of an earlier connection. */
  async connect(app: TestApp, auth: object = {}, options: ConnectOptions = {}): Promise<this> {
    await this.open(app, auth, options);
    return this.greeted();
  }

  /** The same, but `$session` has not come yet: middlewares may still run. */
  async open(app: TestApp, auth: object = {}, options: ConnectOptions = {}): Promise<void> {
    const { session, offset } = this;
    const protocols = ['envelope.v1', encode({ ...this.auth, session, offset, ...auth })];
    this.client = await app.connect('/ws', { protocols, ...options });
  }

  /** Takes `$session`. */
  async greeted(): Promise<this> {
    this.hello = (await this.client.next('$session')).data as Returning['hello'];
    this.session = this.hello.session;
    this.take();
    return this;
  }

  /** All that is under way has come; what came is in `events`. */
  async settled(): Promise<string[]> {
    await this.client.settled();
    this.take();
    return this.events;
  }

  /** The connection is gone without a word. */
  async cut(): Promise<void> {
    this.take();
    this.client.ws.terminate();
    await this.client.ended();
    this.take();
  }

  /** What has come so far. */
  collect(): string[] {
    this.take();
    return this.events;
  }

  private taken: Frame[] | undefined;
  private count = 0;

  private take(): void {
    const frames = this.client.frames as Frame[];
    if (this.taken !== frames) this.count = 0;
    this.taken = frames;
    for (const { event, offset, ack } of frames.slice(this.count)) {
      if (offset !== undefined) this.offset = offset;
      if (event !== undefined && ack === undefined && event.startsWith('$') === false)
        this.events.push(event);
    }
    this.count = frames.length;
  }
}
