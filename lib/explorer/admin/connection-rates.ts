import { observe } from '../../server/diagnostics/channels.js';
import type { ObservedSocket } from '../../server/diagnostics/types.js';
import { WATCH_TIME } from './message-counts.js';

/** Milliseconds over which the messages of a connection are counted. */
const WINDOW = 2_000;

type Counts = ReadonlyMap<ObservedSocket, number>;

/**
 * Counts the messages from each connection, while an admin asks for connections by their rates. Otherwise it is subscribed to no
 * channel, and a message costs nothing. It keeps two numbers for a connection that sends, and none for one that does not.
 */
export class ConnectionRates {
  private counts = new Map<ObservedSocket, number>();
  private begunAt = 0;
  /** The counts of the last whole window, and its length in seconds. */
  private last: { readonly counts: Counts; readonly seconds: number } | undefined;
  private unsubscribe: (() => void) | undefined;
  private end: NodeJS.Timeout | undefined;
  private turn: NodeJS.Timeout | undefined;
  private isOver = false;

  /** Counts for the next ten seconds. */
  watch(): void {
    if (this.end !== undefined) return void this.end.refresh();
    // a node that closes may still be asked
    if (this.isOver) return;
    this.end = setTimeout(() => this.pause(), WATCH_TIME).unref();
    this.turn = setInterval(() => this.measure(), WINDOW).unref();
    this.begunAt = performance.now();
    this.unsubscribe = observe('message', ({ socket }) =>
      this.counts.set(socket, (this.counts.get(socket) ?? 0) + 1),
    );
  }

  /** The messages of a connection in a second; `undefined` in the first two seconds. */
  of(socket: ObservedSocket): number | undefined {
    return this.last && (this.last.counts.get(socket) ?? 0) / this.last.seconds;
  }

  /** Counts no more, also when it is asked to. */
  stop(): void {
    this.isOver = true;
    this.pause();
  }

  private measure(): void {
    const now = performance.now();
    this.last = { counts: this.counts, seconds: (now - this.begunAt) / 1_000 };
    this.counts = new Map();
    this.begunAt = now;
  }

  private pause(): void {
    clearTimeout(this.end);
    clearInterval(this.turn);
    this.unsubscribe?.();
    this.end = this.turn = this.unsubscribe = this.last = undefined;
    this.counts = new Map();
  }
}
