/**
 * Rejects a request that the peer answered with an `exception`. `data` is the payload of the exception, and `message` is its
 * `message` if that is a string, or the strings of a list, as Nest's pipes send, otherwise "the request failed".
 *
 * @example
 * try {
 *   await socket.emitWithAck('say', '');
 * } catch (error) {
 *   if (error instanceof RequestError) show(error.data);
 * }
 */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code = 'ERR_ENVELOPE_REQUEST_FAILED';

  constructor(readonly data: unknown) {
    super(messageOf(data));
  }
}

function messageOf(data: unknown): string {
  const message: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, 'message') : data;
  if (typeof message === 'string') return message;
  const texts = Array.isArray(message) ? message.filter((text) => typeof text === 'string') : [];
  return texts.join(', ') || 'the request failed';
}
