import { AsyncResource } from 'node:async_hooks';
import type { Duplex } from 'node:stream';

/** Milliseconds of one turn of the event loop that upgrades may take, from the first one on. */
const TURN = 5;

/** Further upgrades do not wait: otherwise requests could arrive faster than they are handled, without an end. */
const MAX_WAITING = 10_000;

/** An upgrade that waits. It is handled in the async context in which it arrived. */
class WaitingUpgrade extends AsyncResource {
  // `AsyncResource.bind` does the same in some 5 microseconds more, of about 25 for each request of a storm: on Node 20 it
  // defines a deprecated property for each function
  constructor(
    readonly socket: Duplex,
    private readonly handler: () => void,
  ) {
    super('WaitingUpgrade');
  }

  /** Handles it, unless the client has left. */
  handle(): void {
    const { socket, handler } = this;
    // the client has left, if only by half: a closing handshake is not possible yet
    if (!socket.readable) return void socket.destroy();
    socket.off('error', ignore);
    this.runInAsyncScope(handler);
  }
}

// those of the platform: the clock of a test that has ended would never call
const { setImmediate: inNextTurn, queueMicrotask: afterPromises } = globalThis;
const { nextTick } = process;

/**
 * Spreads the upgrades of a storm over several turns of the event loop. Node reads all requests that have arrived in one turn. When
 * thousands of clients reconnect at once, the messages of other clients wait meanwhile. In one CPU profile, with 2,000 clients, an
 * upgrade took 28 of the about 40 microseconds that the server spent on a request in such a turn.
 */
export class UpgradePacing {
  private readonly waiting: WaitingUpgrade[] = [];
  /** How many at the start of `waiting` were handled in this turn. */
  private handled = 0;
  /** When the first upgrade of this turn began; `undefined`: there was none, and none waits. */
  private begin: number | undefined;
  /** When this turn has no more time for those that wait. */
  private end = 0;

  /** Handles an upgrade now, or in a later turn if this one has taken long, or others wait already. */
  run(socket: Duplex, handle: () => void): void {
    const now = performance.now();
    if (this.begin === undefined) {
      this.begin = now;
      inNextTurn(this.onTurn);
    }
    const isDue = this.waiting.length === 0 && now - this.begin < TURN;
    if (isDue || this.waiting.length - this.handled >= MAX_WAITING) return handle();
    // a socket without a listener would end the process
    socket.on('error', ignore);
    this.waiting.push(new WaitingUpgrade(socket, handle));
  }

  private readonly onTurn = (): void => {
    this.end = performance.now() + TURN;
    this.handleNext();
  };

  private readonly handleNext = (): void => {
    if (this.handled === this.waiting.length || performance.now() >= this.end) return this.endTurn();
    try {
      this.waiting[this.handled++]!.handle();
    } finally {
      // guards are promises: this waits until all that are settled have gone on, so that their time counts as well
      afterPromises(() => nextTick(this.handleNext));
    }
  };

  private endTurn(): void {
    // a storm that does not end must not keep the sockets of those that were handled
    this.waiting.splice(0, this.handled);
    this.handled = 0;
    if (this.waiting.length > 0) inNextTurn(this.onTurn);
    else this.begin = undefined;
  }
}

function ignore(): void {}

/** The upgrades of all servers of the process, since they share the event loop. */
export const upgradePacing = new UpgradePacing();
