/**
 * The turn of a message that is handled in order: the next message of its client waits until all its handlers have settled.
 */
export class Turn {
  private handlers = 1;

  constructor(private readonly onEnd: () => void) {}

  /** Sets how many handlers the message has. Each of them settles once. */
  begin(handlers: number): void {
    this.handlers = handlers;
  }

  /** One handler has settled. */
  settle(): void {
    if (--this.handlers === 0) this.onEnd();
  }
}
