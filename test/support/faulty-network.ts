import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

// of Node, also where a spec replaces the clock later
const { setTimeout } = globalThis;

type Direction = 'up' | 'down';

/**
 * A TCP proxy in front of a server or a broker. It forwards data in both directions, and simulates faults
 * on request.
 */
export class FaultyNetwork {
  /** The delay of each chunk in milliseconds. */
  delay = 0;
  /** Whether connections are reset at once, like on a port without a listener. */
  isRefusing = false;
  /** The time of each attempt to connect, by `performance.now()`, successful or not. */
  readonly attempts: number[] = [];
  /** The number of bytes that were forwarded in each direction. */
  readonly forwarded: Record<Direction, number> = { up: 0, down: 0 };
  private readonly sockets = new Set<Socket>();
  private readonly reset = new WeakSet<Socket>();
  private readonly budget: Record<Direction, number> = { up: Infinity, down: Infinity };
  /** The connections to the target. */
  private readonly upstream = new Set<Socket>();
  private isSlow = false;
  private stalled = Promise.resolve();
  private stalledIn: ReadonlySet<Direction> = new Set();
  private release: (() => void) | undefined;
  private readonly server = createServer((client) => this.accept(client));

  private constructor(
    /** The port that connections are forwarded to. A change applies to new connections. */
    public target: number,
  ) {}

  static async to(target: number): Promise<FaultyNetwork> {
    const network = new FaultyNetwork(target);
    await new Promise<void>((resolve) => void network.server.listen(0, '127.0.0.1', resolve));
    return network;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The number of open connections on both sides. */
  get size(): number {
    return this.sockets.size;
  }

  /** Holds back everything, including closes, in both directions or in one. Still accepts connections. */
  stall(...directions: Direction[]): void {
    if (this.release !== undefined) return;
    this.stalledIn = new Set(directions.length === 0 ? ['up', 'down'] : directions);
    this.stalled = new Promise((resolve) => (this.release = resolve));
  }

  /** Forwards what was held back, and everything that follows. */
  resume(): void {
    this.release?.();
    this.release = undefined;
  }

  /** Resets all connections. */
  cut(): void {
    for (const tcp of this.sockets) {
      if (this.reset.has(tcp)) continue;
      this.reset.add(tcp);
      // Node fails to reset a socket that is ending, and then leaks its handle
      if (tcp.writableEnded) tcp.destroy();
      else tcp.resetAndDestroy();
    }
  }

  /** Reads nothing that the target sends, until `readAgain()`: its data waits in the buffers of both ends, as with a slow client. */
  stopReading(): void {
    this.isSlow = true;
    for (const tcp of this.upstream) tcp.pause();
  }

  readAgain(): void {
    this.isSlow = false;
    for (const tcp of this.upstream) tcp.resume();
  }

  /** Resets all connections of clients. The target is not told: its connections stay open, and are silent. */
  abandon(): void {
    for (const tcp of this.sockets) if (!this.upstream.has(tcp) && !tcp.writableEnded) tcp.resetAndDestroy();
  }

  /**
   * Forwards this number of bytes in one direction, and then closes all connections, possibly in the middle of a frame.
   */
  cutAfter(bytes: number, direction: Direction): void {
    this.budget[direction] = bytes;
  }

  close(): void {
    this.server.close();
    this.resume();
    for (const tcp of this.sockets) tcp.destroy();
  }

  private accept(client: Socket): void {
    this.attempts.push(performance.now());
    if (this.isRefusing) return void client.resetAndDestroy();
    const server = connect(this.target, '127.0.0.1');
    this.upstream.add(server);
    server.on('close', () => this.upstream.delete(server));
    this.forward(client, server, 'up');
    this.forward(server, client, 'down');
    if (this.isSlow) server.pause();
  }

  private forward(from: Socket, to: Socket, direction: Direction): void {
    // one timer per chunk; the chain keeps the order even when `delay` changes
    let last = Promise.resolve();
    const later = (then: () => void): void => {
      const due = new Promise((resolve) => void setTimeout(resolve, this.delay));
      last = last
        .then(() => due)
        .then(() => (this.stalledIn.has(direction) ? this.stalled : undefined))
        .then(then);
    };
    this.sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (chunk: Buffer) => later(() => this.write(to, chunk, direction)));
    from.on('end', () => later(() => to.end()));
    from.on('error', () => later(() => to.destroy()));
    from.on('close', () => this.sockets.delete(from));
  }

  private write(to: Socket, chunk: Buffer, direction: Direction): void {
    if (to.destroyed) return;
    this.forwarded[direction] += chunk.length;
    const left = this.budget[direction];
    if (chunk.length < left) {
      this.budget[direction] -= chunk.length;
      to.write(chunk);
      return;
    }
    this.budget[direction] = Infinity;
    to.write(chunk.subarray(0, left), () => {
      for (const tcp of this.sockets) tcp.destroy();
    });
  }
}
