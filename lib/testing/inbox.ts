import type { Untyped } from '../protocol/typed-events.js';
import type { ClosedLine } from './test-web-socket.js';

/** One event of the server's; answers to requests are none. */
export interface ReceivedEvent {
  readonly event: string;
  readonly data: Untyped;
}

interface Wait {
  look(): void;
  fail(why: string): void;
}

const MAX_LISTED = 10;
const MAX_DATA = 200;

/** What came, what of it was given out, and who waits for more. */
export class Inbox {
  readonly received: ReceivedEvent[] = [];
  private readonly taken = new Set<ReceivedEvent>();
  private readonly waits = new Set<Wait>();
  private closed: ClosedLine | undefined;

  constructor(
    /** Milliseconds that one wait takes at most. */
    private readonly patience: number,
  ) {}

  add(event: string, data: Untyped): void {
    this.received.push({ event, data });
    for (const wait of [...this.waits]) wait.look();
  }

  close(closed: ClosedLine): void {
    this.closed = closed;
    for (const wait of [...this.waits]) wait.fail(describe(closed));
  }

  /** Gives out the next one of that name. */
  take(event: string): Promise<ReceivedEvent> {
    // made here, so that its stack shows the test's line
    const error = new Error();
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.waits.delete(wait);
      };
      const wait: Wait = {
        look: () => {
          const found = this.open(event);
          if (found === undefined) return;
          this.taken.add(found);
          finish();
          resolve(found);
        },
        fail: (why) => {
          finish();
          error.message = `no "${event}" came: ${why}; ${this.describe(event)}`;
          reject(error);
        },
      };
      const timer = setTimeout(() => wait.fail(`${this.patience} ms are over`), this.patience);
      this.waits.add(wait);
      wait.look();
      if (this.closed !== undefined && this.waits.has(wait)) wait.fail(describe(this.closed));
    });
  }

  /** The first one of that name, or of any, that nobody has taken. */
  open(event?: string): ReceivedEvent | undefined {
    return this.received.find((one) => !this.taken.has(one) && (event === undefined || one.event === event));
  }

  private describe(event: string): string {
    const others = this.received.filter((one) => !this.taken.has(one));
    const before = this.received.filter((one) => one.event === event).length;
    const listed = others.slice(-MAX_LISTED).map(describeEvent);
    if (others.length > MAX_LISTED) listed.unshift(`${others.length - MAX_LISTED} more`);
    const instead = listed.length === 0 ? 'nothing else did' : `instead came ${listed.join(', ')}`;
    return before === 0 ? instead : `${instead}; all ${before} of "${event}" were taken before`;
  }
}

/** For messages of errors. */
export function describeEvent({ event, data }: ReceivedEvent): string {
  const text = data === undefined ? '' : ` ${JSON.stringify(data)}`;
  return `"${event}"${text.length > MAX_DATA ? `${text.slice(0, MAX_DATA)}…` : text}`;
}

function describe({ code, reason }: ClosedLine): string {
  return `the line closed with ${code}${reason === '' ? '' : ` (${reason})`}`;
}
