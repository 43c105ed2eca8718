/** What the heartbeat needs of a connection. */
export interface Beating {
  /** When the ping went out that nothing has come after; 0: there is none. */
  _pingedAt: number;
  readonly ws: { ping(): void; readonly readyState: number };
  /** Nothing is read from the line, and so no sign of life either. */
  readonly isPaused: boolean;
  /** @internal Reads a line on that was paused because too much waits. @returns whether it was, and now is read */
  _listenIn(): boolean;
  /** @internal */
  _timeOut(): void;
}

/** The connections of one server. */
interface Group {
  readonly sockets: { readonly size: number; values(): Iterator<Beating> };
}

/** A round is spread over this many turns of the timer, so that pings never go out all at once. */
const TURNS = 25;
const MIN_TURN = 20;
const OPEN = 1;

/**
 * Finds the dead, with one timer however many the connections: each is pinged once a round (`pingInterval`), and
 * one that gives no sign of life within `pingTimeout` after its ping is terminated.
 */
export class Heartbeat {
  private readonly timer: NodeJS.Timeout;
  private readonly turns: number;
  private cursor: Iterator<Beating> | undefined;
  /** Connections that this round has still to come to. Who arrives meanwhile is the next one's, or it might never end. */
  private left = 0;
  /** The most connections that there were in this round: who leaves does not hold it up. */
  private crowd = 0;
  /** What is owed, in turns: that many make a ping. Few connections have none in most turns. */
  private due = 0;
  /** Lines that were paused until this turn: what had come before is no sign of life, so they are pinged in the next one. */
  private listening: Beating[] = [];
  private readonly asked: { deadline: number; sockets: Beating[] }[] = [];

  constructor(
    /** The servers of one path; a RegExp namespace has many, which come and go. */
    private readonly groups: () => Iterable<Group>,
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
    // after a stall of this process the signs of life are still to be read
    setImmediate(() => this.reap(now));
    const sockets: Beating[] = [];
    if (this.listening.length > 0)
      for (const value of this.listening.splice(0)) this.ping(value, now, sockets);
    let first: Beating | undefined;
    let size = 0;
    for (const group of this.groups()) size += group.sockets.size;
    this.crowd = Math.max(this.crowd, size);
    for (this.due += this.crowd; this.due >= this.turns; this.due -= this.turns) {
      const value = this.next(size);
      if (value === undefined || value === first) {
        // all have had theirs
        this.due = 0;
        break;
      }
      first ??= value;
      if (value.isPaused && value._listenIn()) this.listening.push(value);
      else this.ping(value, now, sockets);
    }
    if (sockets.length > 0) this.asked.push({ deadline: now + this.pingTimeout, sockets });
  }

  private ping(value: Beating, now: number, pinged: Beating[]): void {
    if (value.ws.readyState !== OPEN) return;
    // a later ping gives no more time
    if (value._pingedAt === 0) value._pingedAt = now;
    value.ws.ping();
    pinged.push(value);
  }

  private reap(now: number): void {
    while (this.asked[0] !== undefined && this.asked[0].deadline <= now) {
      for (const socket of this.asked.shift()!.sockets)
        if (isSilent(socket, now - this.pingTimeout)) socket._timeOut();
    }
  }

  /** Round and round; `undefined`: there is nobody. */
  private next(size: number): Beating | undefined {
    const next = this.left-- > 0 ? this.cursor?.next() : undefined;
    if (next?.done === false) return next.value;
    this.left = size - 1;
    this.crowd = 0;
    this.cursor = this.everybody();
    const first = this.cursor.next();
    return first.done === true ? undefined : first.value;
  }

  /** A Map's iterator goes on over what came and went meanwhile, so that it may rest between turns. */
  private *everybody(): Iterator<Beating> {
    for (const { sockets } of this.groups()) {
      const cursor = sockets.values();
      for (let next = cursor.next(); next.done !== true; next = cursor.next()) yield next.value;
    }
  }
}

function isSilent({ _pingedAt, isPaused }: Beating, since: number): boolean {
  return _pingedAt !== 0 && _pingedAt <= since && !isPaused;
}
