import type { Untyped } from '../../protocol/typed-events.js';
import { assertFunction } from '../util/arguments.js';
import { catchRejection } from '../util/safe-call.js';

/** A catch-all listener: the event's name, then its arguments. */
export type AnyListener = (event: string, ...args: Untyped[]) => void;

/** The catch-all listeners of one direction: Socket.IO's `onAny` family. */
export class CatchAllListeners {
  private listeners: readonly AnyListener[] = [];

  add(listener: AnyListener): void {
    assertFunction('onAny', 'listener', listener);
    this.listeners = [...this.listeners, listener];
  }

  prepend(listener: AnyListener): void {
    assertFunction('prependAny', 'listener', listener);
    this.listeners = [listener, ...this.listeners];
  }

  /** Removes one listener, or all without an argument. */
  remove(listener?: AnyListener): void {
    const index = listener === undefined ? -1 : this.listeners.indexOf(listener);
    if (listener === undefined) this.listeners = [];
    else if (index !== -1) this.listeners = this.listeners.filter((_, i) => i !== index);
  }

  list(): AnyListener[] {
    return [...this.listeners];
  }

  /** Calls all listeners. Throws what a listener throws. @returns whether it has any */
  call(event: string, args: readonly unknown[], rejected: (error: unknown) => void): boolean {
    for (const listener of this.listeners) {
      catchRejection(listener(event, ...args), rejected);
    }
    return this.listeners.length > 0;
  }
}
