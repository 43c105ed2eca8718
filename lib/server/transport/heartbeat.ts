/** What the heartbeat needs of a connection. */
export interface Beating {
  /** When the last ping without a sign of life was sent, by `performance.now()`; 0: no ping is open. */
  readonly pingedAt: number;
  readonly isOpen: boolean;
  /** Nothing is read from the connection, and so no sign of life either. */
  readonly isPaused: boolean;
  /** Reads a connection on that is paused because too many messages wait. @returns whether it is read now */
  readAtHeartbeat(): boolean;
  sendHeartbeat(now: number): void;
  /** Ends the connection: the peer was silent for too long. */
  timeOut(): void;
}

/** The connections of one path, a live view. */
interface Connections {
  readonly size: number;
  keys(): Iterator<Beating>;
}

/** A round is spread over this many turns of the timer, so that the pings of a round do not go out all at once. */
const TURNS = 25;
const MIN_TURN = 20;

/**
 * Finds dead connections, with one timer for all of them: each is pinged once a round (`pingInterval`), and terminated if
 * it gives no sign of life within `pingTimeout` after its ping.
 */
export class Heartbeat {
  private readonly timer: NodeJS.Timeout;
  private readonly turns: number;
  private cursor: Iterator<Beating> | undefined;
  /** Connections still to be pinged in this round. Those opened meanwhile belong to the next round, or this one might never end. */
  private left = 0;
  /** The largest number of connections in this round, so that closed connections do not slow it down. */
  private largest = 0;
  /** Pings owed, in turns: `turns` of them make one ping. With few connections most turns send none. */
  private due = 0;
  /** Connections that were paused until this turn. What had arrived before is no sign of life, so they are pinged in the next turn. */
  private resumed: Beating[] = [];
  private readonly pinged: { deadline: number; connections: Beating[] }[] = [];

  constructor(
    private readonly connections: Connections,
    pingInterval: number,
    private readonly pingTimeout: number,
  ) {
    const turn = Math.max(MIN_TURN, Math.floor(pingInterval / TURNS));
    this.turns = Math.max(1, Math.floor(pingInterval / turn));
    this.timer = setInterval(() => this.takeTurn(), turn);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private takeTurn(): void {
    const now = performance.now();
    // after a stall of this process, signs of life are still to be read
    setImmediate(() => this.endSilent(now));
    const pinged: Beating[] = [];
    if (this.resumed.length > 0)
      for (const connection of this.resumed.splice(0)) this.ping(connection, now, pinged);
    let first: Beating | undefined;
    this.largest = Math.max(this.largest, this.connections.size);
    for (this.due += this.largest; this.due >= this.turns; this.due -= this.turns) {
      const connection = this.next();
      if (connection === undefined || connection === first) {
        // every connection was pinged
        this.due = 0;
        break;
      }
      first ??= connection;
      if (connection.isPaused && connection.readAtHeartbeat()) this.resumed.push(connection);
      else this.ping(connection, now, pinged);
    }
    if (pinged.length > 0) this.pinged.push({ deadline: now + this.pingTimeout, connections: pinged });
  }

  private ping(connection: Beating, now: number, pinged: Beating[]): void {
    if (!connection.isOpen) return;
    connection.sendHeartbeat(now);
    pinged.push(connection);
  }

  private endSilent(now: number): void {
    while (this.pinged[0] !== undefined && this.pinged[0].deadline <= now) {
      for (const connection of this.pinged.shift()!.connections)
        if (isSilent(connection, now - this.pingTimeout)) connection.timeOut();
    }
  }

  /** Returns the next connection, round after round; `undefined`: none is open. */
  private next(): Beating | undefined {
    const next = this.left-- > 0 ? this.cursor?.next() : undefined;
    if (next?.done === false) return next.value;
    this.left = this.connections.size - 1;
    this.largest = 0;
    // a Map's iterator goes on over what was added and removed meanwhile, so that it may rest between turns
    this.cursor = this.connections.keys();
    const first = this.cursor.next();
    return first.done === true ? undefined : first.value;
  }
}

function isSilent({ pingedAt, isPaused }: Beating, since: number): boolean {
  return pingedAt !== 0 && pingedAt <= since && !isPaused;
}
