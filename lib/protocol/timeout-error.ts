/** Rejects a request that was not answered in time. If several answers were expected, `responses` holds those that arrived. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'ERR_ENVELOPE_TIMEOUT';

  /** @param message default: the text of Socket.IO */
  constructor(message = 'operation has timed out') {
    super(message);
  }
}
