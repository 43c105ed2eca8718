import { withCode } from './with-code.js';

/** Values on their way to one reader: of a streamed answer, or of what a room receives. */
export class Stream<Value> implements AsyncIterableIterator<Value> {
  #values: Value[] = [];
  /** Resolve the pending calls of `next`. */
  #wakeups: (() => void)[] = [];
  #end: End | undefined;
  /** Number of values that may wait for the reader. */
  readonly #limit: number;
  /** Cancels the source when the reader stops before its end. */
  readonly #cancel: () => void;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => void this.return();

  constructor(limit: number, cancel: () => void, signal?: AbortSignal) {
    this.#limit = limit;
    this.#cancel = cancel;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Value>> {
    while (this.#values.length === 0) {
      const end = this.#end;
      if (end === undefined) await new Promise<void>((resolve) => this.#wakeups.push(resolve));
      else {
        this.#end = {};
        if (end.error !== undefined) throw end.error;
        return { done: true, value: undefined };
      }
    }
    return { done: false, value: this.#values.shift()! };
  }

  return(): Promise<IteratorResult<Value>> {
    this.#values = [];
    this.#stop({});
    this.#end = {};
    return Promise.resolve({ done: true, value: undefined });
  }

  /** @internal Adds one value. The final message of a stream may carry none. */
  take(value: Value | undefined): void {
    if (value === undefined || this.#end !== undefined) return;
    this.#values.push(value);
    this.#wake();
    if (this.#values.length > this.#limit)
      this.#stop({
        error: withCode(
          'ERR_ENVELOPE_STREAM_OVERFLOW',
          new Error(`a stream is not read: ${this.#limit} values are waiting`),
        ),
      });
  }

  /** @internal */
  end(): void {
    this.#close({});
  }

  /** @internal */
  fail(error: Error): void {
    this.#close({ error });
  }

  #stop(end: End): void {
    if (this.#end !== undefined) return;
    this.#close(end);
    this.#cancel();
  }

  #close(end: End): void {
    this.#end ??= end;
    // the signal may live as long as the page, and would keep this stream in memory
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#wakeups.splice(0)) wake();
  }
}

interface End {
  readonly error?: Error;
}
