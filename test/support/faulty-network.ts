import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

type Direction = 'up' | 'down';

/**
 * A network of one's own in front of a server, or a broker: it passes on what comes, in both directions, unless it is told
 * to do worse.
 */
export class FaultyNetwork {
  /** Milliseconds that every piece is held up. */
  delay = 0;
  /** Whether connections are reset instead of taken, as where nobody listens. */
  isRefusing = false;
  /** When somebody wanted to connect, by `performance.now()`, whatever became of it. */
  readonly attempts: number[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly budget: Record<Direction, number> = { up: Infinity, down: Infinity };
  private stalled = Promise.resolve();
  private release: (() => void) | undefined;
  private readonly server = createServer((client) => this.accept(client));

  private constructor(
    /** The port that connections lead to; new ones where it is changed. */
    public target: number,
  ) {}

  static async to(target: number): Promise<FaultyNetwork> {
    const line = new FaultyNetwork(target);
    await new Promise<void>((resolve) => void line.server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** How many connections there are, on either side. */
  get size(): number {
    return this.sockets.size;
  }

  /** Nothing passes any more, in neither direction, not even that somebody has hung up; connections are taken still. */
  stall(): void {
    if (this.release !== undefined) return;
    this.stalled = new Promise((resolve) => (this.release = resolve));
  }

  /** What was held up passes, and all that follows. */
  resume(): void {
    this.release?.();
    this.release = undefined;
  }

  /** Resets all connections. */
  cut(): void {
    for (const tcp of this.sockets) tcp.resetAndDestroy();
  }

  /** Lets so many bytes pass in one direction, then hangs up on all: in the middle of whatever that is. */
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
    this.forward(client, server, 'up');
    this.forward(server, client, 'down');
  }

  private forward(from: Socket, to: Socket, direction: Direction): void {
    // a timer for each piece: those of one length run out in order, those of another may not
    let last = Promise.resolve();
    const later = (then: () => void): void => {
      const due = new Promise((resolve) => void setTimeout(resolve, this.delay));
      last = last
        .then(() => due)
        .then(() => this.stalled)
        .then(then);
    };
    this.sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (piece: Buffer) => later(() => this.write(to, piece, direction)));
    from.on('end', () => later(() => to.end()));
    from.on('error', () => later(() => to.destroy()));
    from.on('close', () => this.sockets.delete(from));
  }

  private write(to: Socket, piece: Buffer, direction: Direction): void {
    if (to.destroyed) return;
    const left = this.budget[direction];
    if (piece.length < left) {
      this.budget[direction] -= piece.length;
      to.write(piece);
      return;
    }
    this.budget[direction] = Infinity;
    to.write(piece.subarray(0, left), () => {
      for (const tcp of this.sockets) tcp.destroy();
    });
  }
}
