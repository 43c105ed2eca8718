/**
 * Rejects a request if no connection is open, or if it ended before the answer arrived. In the second case the peer may or may
 * not have handled the request.
 *
 * @example
 * try {
 *   await socket.emitWithAck('order', order);
 * } catch (error) {
 *   if (error instanceof DisconnectedError) askWhetherItArrived();
 * }
 */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError';
  readonly code = 'ERR_ENVELOPE_DISCONNECTED';
}
