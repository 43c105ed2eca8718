import { EventEmitter } from 'node:events';

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
