/** What is known about whether the client of a connection lives. */
export class Liveness {
  /** See `Connection.pingedAt`. */
  pingedAt = 0;
  /** When the last beat was sent, and when the last request came, by `performance.now()`. */
  private beatAt = 0;
  private aliveAt = performance.now();

  /** @param isListener whether the client sends nothing, so that only its response shows whether it lives */
  constructor(private readonly isListener: boolean) {}

  /** A request has arrived. @returns whether a ping was open */
  note(): boolean {
    const wasPinged = this.pingedAt !== 0;
    this.aliveAt = performance.now();
    this.pingedAt = 0;
    return wasPinged;
  }

  /**
   * A beat is sent. A client answers it only if it has sent nothing since the one before.
   *
   * @param isReading whether the response takes data
   */
  beat(now: number, isReading: boolean): void {
    const isAlive = this.isListener ? isReading : this.aliveAt > this.beatAt;
    this.beatAt = now;
    if (!isAlive) this.pingedAt ||= now;
    else if (this.isListener) this.pingedAt = 0;
  }
}
