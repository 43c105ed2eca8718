import { EventEmitter } from 'node:events';

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

/**
 * An event emitter for users' listeners. The rejection of an async listener goes to `onError` and does not end the
 * process.
 */
export class UserEvents extends EventEmitter {
  constructor(private readonly onError: (error: unknown, event: string, args: readonly unknown[]) => void) {
    super({ captureRejections: true });
  }

  override [EventEmitter.captureRejectionSymbol](error: Error, event: string, ...args: unknown[]): void {
    this.onError(error, event, args);
  }
}
