/** Why the signal of a handler was aborted: the client sent `$cancel`, the client disconnected, or the server closes. */
export type AbortCause = 'cancelled' | 'disconnected' | 'server shutting down';

const TEXTS: Readonly<Record<AbortCause, string>> = {
  cancelled: 'the client has cancelled the request',
  disconnected: 'the client has disconnected',
  'server shutting down': 'the server is shutting down',
};

/**
 * The `reason` of the signal that a handler gets by `@Signal()`; `cause` says why.
 *
 * @example
 * if (signal.aborted && signal.reason.cause === 'disconnected') await saveDraft();
 */
export class AbortError extends Error {
  override readonly name = 'AbortError';
  readonly code = 'ERR_ENVELOPE_ABORTED';
  declare readonly cause: AbortCause;

  constructor(cause: AbortCause) {
    super(TEXTS[cause], { cause });
  }
}

/** How deep a library may wrap the reason of a signal. */
const MAX_CAUSES = 5;

/**
 * Returns whether an error says that a signal of this package was aborted: the signal's reason, or an error with it as the
 * cause, as Node's own functions throw.
 *
 * @param isAborted whether the signal of the running code was aborted. Then another library's `AbortError` counts, too
 */
export function isAbort(error: unknown, isAborted = false): boolean {
  if (isAborted && ABORTS.has(nameOf(error))) return true;
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES && typeof cause === 'object' && cause !== null; depth++) {
    if (cause instanceof AbortError) return true;
    cause = Reflect.get(cause, 'cause');
  }
  return false;
}

/** The names of errors of libraries that were given a signal: of the platform, and of Axios. */
const ABORTS: ReadonlySet<unknown> = new Set(['AbortError', 'CanceledError']);

function nameOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, 'name') : undefined;
}
