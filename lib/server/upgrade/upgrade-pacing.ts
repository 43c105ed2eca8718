import { AsyncResource } from 'node:async_hooks';
import type { Duplex } from 'node:stream';

/** Milliseconds of one turn of the event loop that upgrades may take, from the first one on. */
const TURN = 5;

/** Further upgrades do not wait: otherwise requests could arrive faster than they are handled, without an end. */
const MAX_WAITING = 10_000;

interface WaitingUpgrade {
  readonly socket: Duplex;
  readonly handle: () => void;
}

/**
 * Spreads the upgrades of a storm over several turns of the event loop. Node reads all requests that have arrived in one turn. When
 * thousands of clients reconnect at once, their upgrades take two thirds of it, and the messages of other clients wait meanwhile.
 */
export class UpgradePacing {
  private waiting: WaitingUpgrade[] = [];
  /** How many at the start of `waiting` were handled already. */
  private handled = 0;
  /** When the first upgrade of this turn began; `undefined`: there was none. */
  private begin: number | undefined;

  /** Handles an upgrade now, or in a later turn if this one has taken long, or others wait already. */
  run(socket: Duplex, handle: () => void): void {
    const now = performance.now();
    if (this.begin === undefined) {
      this.begin = now;
      setImmediate(this.onTurn);
    }
    const isDue = this.waiting.length === 0 && now - this.begin < TURN;
    if (isDue || this.waiting.length - this.handled >= MAX_WAITING) return handle();
    // a socket without a listener would end the process
    socket.on('error', ignore);
    this.waiting.push({ socket, handle: AsyncResource.bind(handle) });
  }

  private readonly onTurn = (): void => {
    const begin = performance.now();
    try {
      while (this.handled < this.waiting.length && performance.now() - begin < TURN)
        handleWaiting(this.waiting[this.handled++]!);
    } finally {
      if (this.handled < this.waiting.length) setImmediate(this.onTurn);
      else this.begin = this.clear();
    }
  };

  private clear(): undefined {
    this.waiting = [];
    this.handled = 0;
  }
}

function handleWaiting({ socket, handle }: WaitingUpgrade): void {
  socket.off('error', ignore);
  // the client has left
  if (!socket.destroyed) handle();
}

function ignore(): void {}

/** The upgrades of all servers of the process, since they share the event loop. */
export const upgradePacing = new UpgradePacing();
