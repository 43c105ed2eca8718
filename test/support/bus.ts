import { ClusterAdapter, type ClusterMessage, type ClusterResponse } from 'socket.io-adapter';
import type { AdapterFactory } from '../../lib/index.js';

/**
 * When an adapter encodes a message: before `doPublish` returns, later (like `@socket.io/mongo-adapter`), or never, in
 * which case the other nodes of the process receive the same object.
 */
export type Encoding = 'at once' | 'late' | 'never';

/**
 * Connects the nodes of a cluster in one process. Delivers each message in a later turn of the event loop, in
 * order.
 */
export class Bus {
  constructor(private readonly encoding: Encoding = 'at once') {}

  /** The number of published messages. */
  published = 0;
  /** Set while suspended: nothing is delivered or answered until {@link resume}. */
  private stalled: (() => void)[] | undefined;
  private readonly members = new Set<BusAdapter>();
  /** Returns `true` for messages that are lost: brokers do not guarantee delivery. */
  loses: (text: string) => boolean = () => false;

  /** The adapter for each node's application. */
  readonly adapter: AdapterFactory = (nsp) => new BusAdapter(nsp, this);

  /** Returns the adapters of one path. */
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

  /** Resolves when requests are answered: at once, or after {@link resume}. */
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

/** An asynchronous adapter like `@socket.io/cluster-adapter`, on a {@link Bus}. */
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

  /** Handles a message from the bus. */
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
