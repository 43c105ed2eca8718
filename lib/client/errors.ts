import type { Ending } from './backoff.js';

/** There is no line, or it went before the answer came: whether the server has seen the request nobody knows. */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError';
}

/** An attempt to connect failed. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  /** The close code; 1006 where there was none. */
  readonly code: number;
  /** The HTTP status of an upgrade that was refused. Browsers tell nobody. */
  readonly status: number | undefined;

  constructor(
    ending: Ending,
    /** Whether the client tries again by itself. */
    public willReconnect: boolean,
    cause?: unknown,
  ) {
    const what = ending.status === undefined ? `closed with ${ending.code}` : `HTTP status ${ending.status}`;
    // a browser tells of no cause
    const known = ending.reason || (Object(cause) as { message?: string }).message;
    super(`could not connect: ${known || what}`, cause === undefined ? undefined : { cause });
    this.code = ending.code;
    this.status = ending.status;
  }
}
