import type { Socket as EngineSocket } from 'engine.io';
import type { ServerWebSocket } from '../server/transport/web-socket-server.js';
import { runDetached } from '../server/util/detached.js';
import { resumePingTimeout, suspendPingTimeout } from './engine-internals.js';

/** Whether a link is read: its namespaces hold it, and release it. */
export class LinkFlow {
  /** How many namespaces hold the link. */
  private holds = 0;
  /** Handles the polling request with messages that waits until the link is read again. */
  private held: (() => void) | undefined;

  constructor(private readonly engine: EngineSocket) {}

  /** Whether nothing is read. */
  get isPaused(): boolean {
    return this.holds > 0;
  }

  /** Reads nothing more until {@link release} was called as often. */
  hold(ws: ServerWebSocket | undefined): void {
    if (this.holds++ > 0) return;
    ws?.pause();
    suspendPingTimeout(this.engine);
  }

  release(ws: ServerWebSocket | undefined): void {
    if (--this.holds > 0) return;
    resumePingTimeout(this.engine);
    this.handleHeld();
    // its messages may have held the link again
    if (!this.isPaused) runDetached(() => ws?.resume());
  }

  /**
   * Handles a polling request with messages, now, or when the link is read again.
   *
   * @returns false if another one waits already: a client sends one after the other
   */
  post(handle: () => void): boolean {
    if (!this.isPaused) handle();
    else if (this.held === undefined) this.held = handle;
    else return false;
    return true;
  }

  /** Handles the request that waits. */
  handleHeld(): void {
    const { held } = this;
    this.held = undefined;
    held?.();
  }
}
