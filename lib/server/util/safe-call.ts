/** Calls users' code, and passes what it throws to `onError`. If it is async, so is what its promise rejects with. */
export function callSafely(work: () => unknown, onError: (error: unknown) => void): void {
  try {
    catchRejection(work(), onError);
  } catch (error) {
    onError(error);
  }
}

/** Passes the rejection of a promise that no other code awaits to `onError`. Ignores any other value. */
export function catchRejection(result: unknown, onError: (error: unknown) => void): void {
  if (result instanceof Promise) result.catch(onError);
}
