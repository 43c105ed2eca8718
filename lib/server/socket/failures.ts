/** What the gateway side makes of what users' code throws. */
export interface Failures {
  /** What the client is told. */
  toPayload(error: unknown): object;
  /** It tells the client something, and nobody else. */
  isClientFault(error: unknown): boolean;
  /** A `join` over a limit. */
  roomLimit(message: string): Error;
}
