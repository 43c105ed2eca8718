import { runDetached } from '../../server/util/detached.js';

/** Milliseconds of a window. At its end, the sampler logs how many lines it left out. */
const WINDOW = 60_000;
/** Subjects of one window. Further subjects are counted together if they differ only in quoted text. */
const MAX_SUBJECTS = 200;
/** Subjects of one window after which all further subjects are counted together. */
const MAX_KINDS = 400;
/** Characters of a subject that count. */
const MAX_LENGTH = 300;
const OTHERS = 'other subjects';

/** Limits how many lines clients can cause in the log. */
export class LogSampler {
  private subjects = new Map<string, number>();
  /** The time of `performance.now()` at which the window began. */
  private windowStart = -Infinity;
  /** Runs only while a count waits for the end of the window. */
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param summarise receives, at the end of a window, each subject that was left out, and how often
   * @param limit how often one subject is logged within a window; default 5
   */
  constructor(
    private readonly summarise: (subject: string, times: number) => void,
    private readonly limit = 5,
  ) {}

  /** Calls `write`, or only counts the subject if it is over the limit. @returns whether `write` was called */
  log(subject: string, write: () => void): boolean {
    const now = performance.now();
    if (now - this.windowStart >= WINDOW) {
      this.close();
      this.windowStart = now;
    }
    const name = this.nameOf(subject.slice(0, MAX_LENGTH));
    const times = (this.subjects.get(name) ?? 0) + 1;
    this.subjects.set(name, times);
    if (times > this.limit) {
      // detached, because the timer would keep the async context, and with it the message that logs and its client
      this.timer ??= runDetached(() =>
        setTimeout(() => this.close(), this.windowStart + WINDOW - now).unref(),
      );
      return false;
    }
    write();
    return true;
  }

  /**
   * Returns the subject to count by. A subject may quote the name of an event. A program has few of these, unless it makes
   * them from the messages of clients.
   */
  private nameOf(subject: string): string {
    if (this.subjects.has(subject) || this.subjects.size < MAX_SUBJECTS) return subject;
    const kind = subject.replace(/".*"/s, '"…"');
    return this.subjects.has(kind) || this.subjects.size < MAX_KINDS ? kind : OTHERS;
  }

  /** Ends the window, and summarises the subjects that were left out. */
  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.windowStart = -Infinity;
    const { subjects } = this;
    this.subjects = new Map();
    for (const [subject, times] of subjects)
      if (times > this.limit) this.summarise(subject, times - this.limit);
  }
}
