/** One kind of failure. */
export interface ErrorCount {
  readonly message: string;
  readonly count: number;
}

/** Kinds of failures that are kept apart; further ones are counted together. */
const MAX_KINDS = 20;
const OTHERS = 'other errors';

/** What the server's limits say, and the option that sets them. */
const HINTS: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [/HTTP status 429/, 'limits.maxConnectionsPerAddress of the server counts all clients of this machine'],
  [
    /rate_limited/,
    'limits.messagesPerSecond of the server counts the messages of one client: use more --clients',
  ],
  [/EMFILE|EADDRNOTAVAIL/, 'this machine has no more file descriptors or ports: see ulimit -n'],
];

/** Counts failures by their message. */
export class ErrorCounts {
  readonly #counts = new Map<string, number>();

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  add(message: string): void {
    const kind = this.#counts.has(message) || this.#counts.size < MAX_KINDS ? message : OTHERS;
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  /** The most frequent first. */
  list(): ErrorCount[] {
    return [...this.#counts]
      .map(([message, count]) => ({ message, count }))
      .sort((a, b) => b.count - a.count);
  }

  /** What to change, as far as the messages say it. */
  hints(): string[] {
    const messages = [...this.#counts.keys()];
    return HINTS.filter(([pattern]) => messages.some((message) => pattern.test(message))).map(
      ([, hint]) => hint,
    );
  }
}
