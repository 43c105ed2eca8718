import { RequestError } from '../protocol/request-error.js';
import type { Untyped } from '../protocol/typed-events.js';
import type { CloseDetails } from './backoff.js';

/**
 * Reports a failed attempt to connect; listeners of `connect_error` receive it. If a connection middleware of the server refused
 * this client, `message` and `data` are those of the middleware's error, as in Socket.IO, and `cause` is a `RequestError` with
 * the whole exception.
 *
 * @example
 * socket.on('connect_error', (error) => {
 *   if (error.status === 401) showLogin();
 * });
 */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  /** The close code. 1006 if no close frame arrived. */
  readonly code: number;
  /** The HTTP status of a refused upgrade. `undefined` in browsers, which do not report it. */
  readonly status: number | undefined;
  /** The `data` of the error that a connection middleware passed to `next`. */
  readonly data: Untyped;

  constructor(
    details: CloseDetails = { code: 1006, reason: '' },
    /** Whether the client tries again automatically. */
    public willReconnect = false,
    cause?: unknown,
    /** The exception that the server sent when it refused the client after the upgrade. */
    refusal?: unknown,
  ) {
    const refused = refusal === undefined ? undefined : new RequestError(refusal);
    const known = refused ?? cause;
    super(
      refused?.message ?? `could not connect: ${messageOf(details, cause)}`,
      known === undefined ? undefined : { cause: known },
    );
    this.code = details.code;
    this.status = details.status;
    this.data = (Object(refusal) as { data?: unknown }).data;
  }
}

function messageOf({ code, status, reason }: CloseDetails, cause: unknown): string {
  const what = status === undefined ? `closed with ${code}` : `HTTP status ${status}`;
  // browsers give no cause
  return reason || (Object(cause) as { message?: string }).message || what;
}
