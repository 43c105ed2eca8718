import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands in front of a broker, and passes on what comes, in both directions, some time later. */
export class SlowLine {
  /** Milliseconds that every piece is held up. */
  delay = 0;
  private readonly lines = new Set<Socket>();
  private readonly server = createServer((client) => {
    const broker = connect(this.target, '127.0.0.1');
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.lines.add(from);
      this.pass(from, to);
    }
  });

  private constructor(private readonly target: number) {}

  static async to(target: number): Promise<SlowLine> {
    const line = new SlowLine(target);
    await new Promise<void>((resolve) => void line.server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** How many connections there are, on either side. */
  get size(): number {
    return this.lines.size;
  }

  close(): void {
    this.server.close();
    for (const tcp of this.lines) tcp.destroy();
  }

  private pass(from: Socket, to: Socket): void {
    // a timer for each piece: those of one length run out in order, those of another may not
    let last = Promise.resolve();
    const later = (then: () => void): void => {
      const due = new Promise((resolve) => void setTimeout(resolve, this.delay));
      last = last.then(() => due).then(then);
    };
    from.setNoDelay(true);
    from.on('data', (piece) => later(() => void to.write(piece)));
    from.on('end', () => later(() => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', () => this.lines.delete(from));
  }
}
