import { runDetached } from '../../server/util/detached.js';

/** How long what is too much is counted, in milliseconds; the count is told with its end. */
const WINDOW = 60_000;
/** Subjects of one window. Those beyond are counted by what they have in common, their text without what is quoted. */
const MAX_SUBJECTS = 200;
/** Subjects past which what comes later is one subject. */
const MAX_KINDS = 400;
const MAX_LENGTH = 300;
const OTHERS = 'other subjects';

/** Keeps what clients can trigger at will from filling the log. */
export class LogSampler {
  private subjects = new Map<string, number>();
  /** When the window began, by `performance.now()`. */
  private began = -Infinity;
  /** Only while there is a count to be told. */
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param summarise is told, at a window's end, how often a subject was left out
   * @param times one subject is told of so many times within a window; then it is counted
   */
  constructor(
    private readonly summarise: (subject: string, times: number) => void,
    private readonly times = 5,
  ) {}

  /** Tells, or counts. @returns whether it was told */
  log(subject: string, tell: () => void): boolean {
    const now = performance.now();
    if (now - this.began >= WINDOW) {
      this.close();
      this.began = now;
    }
    const name = this.nameOf(subject.slice(0, MAX_LENGTH));
    const times = (this.subjects.get(name) ?? 0) + 1;
    this.subjects.set(name, times);
    if (times > this.times) {
      // the timer would keep the message that logs, and its client
      this.timer ??= runDetached(() => setTimeout(() => this.close(), this.began + WINDOW - now).unref());
      return false;
    }
    tell();
    return true;
  }

  /** A subject may quote the name of an event. The program has few, unless it makes them of what clients send. */
  private nameOf(subject: string): string {
    if (this.subjects.has(subject) || this.subjects.size < MAX_SUBJECTS) return subject;
    const kind = subject.replace(/".*"/s, '"…"');
    return this.subjects.has(kind) || this.subjects.size < MAX_KINDS ? kind : OTHERS;
  }

  /** Ends the window. */
  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.began = -Infinity;
    const { subjects } = this;
    this.subjects = new Map();
    for (const [subject, times] of subjects)
      if (times > this.times) this.summarise(subject, times - this.times);
  }
}
