/** The values of a stream as they come, for one reader. */
export class Stream<Value> implements AsyncIterableIterator<Value> {
  #values: Value[] = [];
  /** Tells whoever waits that there is something new. */
  #wake: (() => void)[] = [];
  #end: End | undefined;
  /** Values that may wait for the reader. */
  readonly #limit: number;
  /** The reader wants no more of a source that goes on. */
  readonly #cancel: () => void;
  readonly #signal: AbortSignal | undefined;
  readonly #leave = (): void => void this.return();

  constructor(limit: number, cancel: () => void, signal: AbortSignal | undefined) {
    this.#limit = limit;
    this.#cancel = cancel;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#leave);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Value>> {
    while (this.#values.length === 0) {
      const end = this.#end;
      if (end === undefined) await new Promise<void>((resolve) => this.#wake.push(resolve));
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

  /** @internal One value came, or none with the end. */
  take(value: Value | undefined): void {
    if (value === undefined || this.#end !== undefined) return;
    this.#values.push(value);
    this.#tell();
    if (this.#values.length > this.#limit)
      this.#stop({ error: new Error(`a stream is not read: ${this.#limit} values wait`) });
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
    // it may be there for as long as the page
    this.#signal?.removeEventListener('abort', this.#leave);
    this.#tell();
  }

  #tell(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

interface End {
  readonly error?: Error;
}
