import { ClusterAdapter, type ClusterMessage, type ClusterResponse } from 'socket.io-adapter';
import type { AdapterFactory } from '../../lib/index.js';

/**
 * When an adapter encodes what it publishes: before `doPublish` returns, later (as `@socket.io/mongo-adapter`), or never:
 * the other nodes of the process get the same object.
 */
export type Encoding = 'at once' | 'late' | 'never';

/**
 * What connects the nodes of a cluster, in one process: a message is delivered in a later turn of the event loop, in
 * order.
 */
export class Bus {
  constructor(private readonly encoding: Encoding = 'at once') {}

  /** How many messages were published. */
  published = 0;
  /** Nothing is delivered, and nobody gets an answer, until {@link resume}. */
  private stalled: (() => void)[] | undefined;
  private readonly members = new Set<BusAdapter>();
  /** What is lost on its way: a broker promises no more. */
  loses: (text: string) => boolean = () => false;

  /** The adapter for each node's application. */
  readonly adapter: AdapterFactory = (nsp) => new BusAdapter(nsp, this);

  /** The members that serve one path. */
  of(name: string): BusAdapter[] {
    return [...this.members].filter((member) => member.path === name);
  }

  stall(): void {
    this.stalled ??= [];
  }

  resume(): void {
    const waiting = this.stalled ?? [];
    this.stalled = undefined;
    for (const deliver of waiting) deliver();
  }

  /** Resolves when a question has an answer: at once, or when it goes on. */
  get answers(): Promise<void> {
    const { stalled } = this;
    return stalled === undefined ? Promise.resolve() : new Promise((resolve) => void stalled.push(resolve));
  }

  enter(member: BusAdapter): void {
    this.members.add(member);
  }

  leave(member: BusAdapter): void {
    this.members.delete(member);
  }

  deliver(message: object, members: readonly BusAdapter[]): Promise<string> {
    const early = this.encoding === 'at once' ? JSON.stringify(message) : undefined;
    const offset = String(this.published++);
    return new Promise((resolve) => {
      const deliver = (): void => {
        const text = early ?? JSON.stringify(message);
        const reached = this.loses(text) ? [] : members;
        for (const member of reached) {
          if (this.members.has(member)) member.receive(this.encoding === 'never' ? message : text, offset);
        }
        resolve(offset);
      };
      setImmediate(() => {
        if (this.stalled === undefined) deliver();
        else this.stalled.push(deliver);
      });
    });
  }
}

/** An asynchronous adapter as `@socket.io/cluster-adapter` and its like are, on a {@link Bus}. */
export class BusAdapter extends ClusterAdapter {
  readonly path: string;

  constructor(
    nsp: unknown,
    private readonly bus: Bus,
  ) {
    super(nsp);
    this.path = (nsp as { name: string }).name;
  }

  override init(): void {
    this.bus.enter(this);
  }

  override close(): void {
    this.bus.leave(this);
  }

  override async serverCount(): Promise<number> {
    await this.bus.answers;
    return this.bus.of(this.path).length;
  }

  /** As it comes over the bus. */
  receive(message: string | object, offset = ''): void {
    this.onMessage((typeof message === 'string' ? JSON.parse(message) : message) as ClusterMessage, offset);
  }

  protected doPublish(message: ClusterMessage): Promise<string> {
    return this.bus.deliver(message, this.others());
  }

  protected async doPublishResponse(requester: string, response: ClusterResponse): Promise<void> {
    await this.bus.deliver(
      response,
      this.others().filter(({ uid }) => uid === requester),
    );
  }

  private others(): BusAdapter[] {
    return this.bus.of(this.path).filter((member) => member !== this);
  }
}
