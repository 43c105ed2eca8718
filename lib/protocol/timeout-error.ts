/**
 * Rejects a request that was not answered in time. If several answers were expected, `responses` holds those that arrived.
 *
 * @example
 * await client.timeout(2_000).emitWithAck('where are you?').catch((error: unknown) => {
 *   if (error instanceof TimeoutError) return 'unknown';
 *   throw error;
 * });
 */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'ERR_ENVELOPE_TIMEOUT';

  /** @param message default: the text of Socket.IO */
  constructor(message = 'operation has timed out') {
    super(message);
  }
}
