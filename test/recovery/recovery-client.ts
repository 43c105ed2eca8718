import type { TestApp } from '../support/app.js';
import type { ConnectOptions, Received, TestClient } from '../support/client.js';

export interface Frame extends Received {
  offset?: string;
}

const encode = (auth: object): string =>
  `envelope.auth.${Buffer.from(JSON.stringify(auth)).toString('base64url')}`;

/** A client as PROTOCOL.md describes it: it stores its session and the last offset. */
export class RecoveringClient {
  session: string | undefined;
  offset: string | undefined;
  /** The data of the last `$session` event. */
  hello!: { id: string; recovered: boolean; session?: string; features: string[] };
  /** The names of the events received on all of its connections. */
  readonly events: string[] = [];
  client!: TestClient;

  constructor(private readonly auth: object = {}) {}

  /** Connects with the session and offset of an earlier connection. */
  async connect(app: TestApp, auth: object = {}, options: ConnectOptions = {}): Promise<this> {
    await this.open(app, auth, options);
    return this.receiveSession();
  }

  /** Connects without waiting for `$session`: middlewares may still run. */
  async open(app: TestApp, auth: object = {}, options: ConnectOptions = {}): Promise<void> {
    const { session, offset } = this;
    const protocols = ['envelope.v1', encode({ ...this.auth, session, offset, ...auth })];
    this.client = await app.connect('/ws', { protocols, ...options });
  }

  /** Waits for `$session` and stores its data. */
  async receiveSession(): Promise<this> {
    this.hello = (await this.client.next('$session')).data as RecoveringClient['hello'];
    this.session = this.hello.session;
    this.processFrames();
    return this;
  }

  /** Resolves with the events once everything sent so far has arrived. */
  async settled(): Promise<string[]> {
    await this.client.settled();
    this.processFrames();
    return this.events;
  }

  /** Destroys the connection without a close frame. */
  async cut(): Promise<void> {
    this.processFrames();
    this.client.ws.terminate();
    await this.client.ended();
    this.processFrames();
  }

  /** Returns the events received so far. */
  collect(): string[] {
    this.processFrames();
    return this.events;
  }

  private processedFrames: Frame[] | undefined;
  private count = 0;

  private processFrames(): void {
    const frames = this.client.frames as Frame[];
    if (this.processedFrames !== frames) this.count = 0;
    this.processedFrames = frames;
    for (const { event, offset, ack } of frames.slice(this.count)) {
      if (offset !== undefined) this.offset = offset;
      if (event !== undefined && ack === undefined && event.startsWith('$') === false)
        this.events.push(event);
    }
    this.count = frames.length;
  }
}
