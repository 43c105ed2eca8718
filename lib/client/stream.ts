/** The values of a stream as they come, for one reader. */
export class Stream<Value> implements AsyncIterableIterator<Value> {
  #values: Value[] = [];
  /** Tells whoever waits that there is something new. */
  #wake: (() => void)[] = [];
  #end: { error?: unknown } | undefined;
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
        if ('error' in end) throw end.error;
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

  /** @internal One value came. */
  _push(value: Value): void {
    if (this.#end !== undefined) return;
    this.#values.push(value);
    this.#tell();
    if (this.#values.length > this.#limit)
      this.#stop({ error: new Error(`a stream is not read: ${this.#limit} values wait`) });
  }

  /** @internal The source is through, or has failed. */
  _end(end: { error?: unknown }): void {
    this.#end ??= end;
    // it may be there for as long as the page
    this.#signal?.removeEventListener('abort', this.#leave);
    this.#tell();
  }

  #stop(end: { error?: unknown }): void {
    if (this.#end !== undefined) return;
    this._end(end);
    this.#cancel();
  }

  #tell(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
