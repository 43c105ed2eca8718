import type { Untyped } from '../protocol/typed-events.js';
import { withCode } from '../protocol/with-code.js';
import type { ClosedLine } from './test-web-socket.js';

/** One event that the server emitted. Answers to requests are not events. */
export interface ReceivedEvent {
  readonly event: string;
  readonly data: Untyped;
}

/** A pending call of `take`. */
interface Waiter {
  check(): void;
  fail(reason: string): void;
}

/** Number of events that an error lists. */
const MAX_LISTED = 10;
/** Characters of an event's data in an error. */
const MAX_DATA = 200;

/** The events that a test client received: which of them were taken, and which calls wait for more. */
export class Inbox {
  readonly received: ReceivedEvent[] = [];
  private readonly taken = new Set<ReceivedEvent>();
  private readonly waiters = new Set<Waiter>();
  private closed: ClosedLine | undefined;

  constructor(
    /** Milliseconds after which a waiting `take` fails. */
    private readonly timeout: number,
  ) {}

  add(event: string, data: Untyped): void {
    this.received.push({ event, data });
    for (const waiter of [...this.waiters]) waiter.check();
  }

  close(closed: ClosedLine): void {
    this.closed = closed;
    for (const waiter of [...this.waiters]) waiter.fail(describe(closed));
  }

  /**
   * Returns the next event of that name, and waits for it.
   *
   * @throws (rejects) Error after the timeout or when the connection closes
   */
  take(event: string): Promise<ReceivedEvent> {
    // created here, so that its stack trace shows the calling line of the test
    const error = withCode('ERR_ENVELOPE_NO_EVENT', new Error());
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
      };
      const waiter: Waiter = {
        check: () => {
          const found = this.firstOpen(event);
          if (found === undefined) return;
          this.taken.add(found);
          finish();
          resolve(found);
        },
        fail: (reason) => {
          finish();
          error.message = `no "${event}" arrived: ${reason}; ${this.describe(event)}`;
          reject(error);
        },
      };
      const timer = setTimeout(() => waiter.fail(`timeout of ${this.timeout} ms`), this.timeout);
      this.waiters.add(waiter);
      waiter.check();
      if (this.closed !== undefined && this.waiters.has(waiter)) waiter.fail(describe(this.closed));
    });
  }

  /** Returns the first event that no call has taken, of that name or of any name. */
  firstOpen(event?: string): ReceivedEvent | undefined {
    return this.received.find((one) => !this.taken.has(one) && (event === undefined || one.event === event));
  }

  private describe(event: string): string {
    const others = this.received.filter((one) => !this.taken.has(one));
    const before = this.received.filter((one) => one.event === event).length;
    const listed = others.slice(-MAX_LISTED).map(describeEvent);
    if (others.length > MAX_LISTED) listed.unshift(`${others.length - MAX_LISTED} more`);
    const instead = listed.length === 0 ? 'no other event arrived' : `other events: ${listed.join(', ')}`;
    return before === 0 ? instead : `${instead}; all ${before} of "${event}" were taken before`;
  }
}

/** Returns an event's name and data, for an error message. */
export function describeEvent({ event, data }: ReceivedEvent): string {
  const text = data === undefined ? '' : ` ${JSON.stringify(data)}`;
  return `"${event}"${text.length > MAX_DATA ? `${text.slice(0, MAX_DATA)}…` : text}`;
}

function describe({ code, reason }: ClosedLine): string {
  return `the connection closed with ${code}${reason === '' ? '' : ` (${reason})`}`;
}
