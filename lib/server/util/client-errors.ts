/** Errors that a client caused: it did not answer a request of the server, or answered with an exception. */
const ERRORS = new WeakSet<object>();
/** How deep the application may wrap such an error. */
const MAX_CAUSES = 5;

/** Notes that a client caused an error. @returns the error */
export function causedByClient<Of extends object>(error: Of): Of {
  ERRORS.add(error);
  return error;
}

/** Returns whether a client caused an error, or the error that is its cause. */
export function isCausedByClient(error: unknown): boolean {
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES && typeof cause === 'object' && cause !== null; depth++) {
    if (ERRORS.has(cause)) return true;
    cause = Reflect.get(cause, 'cause');
  }
  return false;
}
