import { RequestError } from '../protocol/request-error.js';
import type { Untyped } from '../protocol/typed-events.js';
import type { Ending } from './backoff.js';

/** There is no line, or it went before the answer came: whether the server has seen the request nobody knows. */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError';
}

/**
 * An attempt to connect failed. Where a connection middleware of the server refused this client, `message` and `data` are
 * those of its error, as in Socket.IO, and `cause` is a `RequestError` with the whole exception.
 */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  /** The close code; 1006 where there was none. */
  readonly code: number;
  /** The HTTP status of an upgrade that was refused. Browsers do not report it. */
  readonly status: number | undefined;
  /** The `data` of the error that a connection middleware gave to `next`. */
  readonly data: Untyped;

  constructor(
    ending: Ending = { code: 1006, reason: '' },
    /** Whether the client tries again by itself. */
    public willReconnect = false,
    cause?: unknown,
    /** The exception with which the server refused the client after the upgrade. */
    refusal?: unknown,
  ) {
    const refused = refusal === undefined ? undefined : new RequestError(refusal);
    const known = refused ?? cause;
    super(
      refused?.message ?? `could not connect: ${textOf(ending, cause)}`,
      known === undefined ? undefined : { cause: known },
    );
    this.code = ending.code;
    this.status = ending.status;
    this.data = (Object(refusal) as { data?: unknown }).data;
  }
}

function textOf(ending: Ending, cause: unknown): string {
  const what = ending.status === undefined ? `closed with ${ending.code}` : `HTTP status ${ending.status}`;
  // browsers give no cause
  return ending.reason || (Object(cause) as { message?: string }).message || what;
}
