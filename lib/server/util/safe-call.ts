import { EventEmitter } from 'node:events';

/** Runs users' code in the middle of the machine; it may be an async function although nobody awaits it. */
export function callSafely(work: () => unknown, failed: (error: unknown) => void): void {
  try {
    watch(work(), failed);
  } catch (error) {
    failed(error);
  }
}

/** Hears of the failure of what may be a promise that nobody else awaits. */
export function watch(result: unknown, failed: (error: unknown) => void): void {
  if (result instanceof Promise) result.catch(failed);
}

/** An emitter for users' listeners: what an asynchronous one rejects with does not end the process. */
export class UserEvents extends EventEmitter {
  constructor(private readonly failed: (error: unknown, event: string, args: readonly unknown[]) => void) {
    super({ captureRejections: true });
  }

  override [EventEmitter.captureRejectionSymbol](error: Error, event: string, ...args: unknown[]): void {
    this.failed(error, event, args);
  }
}
