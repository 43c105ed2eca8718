/** The compressed form of a message, kept with its frame. */
export class DeflatedFrame {
  /** The frame as written to the TCP socket; `undefined` while it is compressed off the event loop. */
  bytes: Buffer | undefined = undefined;
  private waiting: (() => void)[] = [];

  constructor(
    /** The `Deflater` that made it. */
    readonly deflater: object,
    readonly windowBits: number,
    /** The same message with another window, or of another deflater. */
    readonly next: DeflatedFrame | undefined,
  ) {}

  /** Calls back once, when the bytes are known. */
  wait(then: () => void): void {
    this.waiting.push(then);
  }

  settle(bytes: Buffer): void {
    this.bytes = bytes;
    const { waiting } = this;
    this.waiting = [];
    for (const then of waiting) then();
  }
}
