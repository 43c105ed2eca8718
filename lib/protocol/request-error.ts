/** The peer answered a request with an `exception`; its payload is in `data`. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code = 'ERR_ENVELOPE_REQUEST_FAILED';

  constructor(readonly data: unknown) {
    super(messageOf(data));
  }
}

function messageOf(data: unknown): string {
  const message: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, 'message') : data;
  return typeof message === 'string' ? message : 'the request failed';
}
