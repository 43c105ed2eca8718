/** The values of a stream as they come, for one reader. */
export class Stream<Value> implements AsyncIterableIterator<Value> {
  readonly #values: Value[] = [];
  readonly #readers: Reader<Value>[] = [];
  #end: { error?: unknown } | undefined;
  /** Values that may wait for the reader. */
  readonly #limit: number;
  /** The reader wants no more of a source that goes on. */
  readonly #cancel: () => void;

  constructor(limit: number, cancel: () => void) {
    this.#limit = limit;
    this.#cancel = cancel;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Value>> {
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<Value>> {
    this.#values.length = 0;
    this.#stop({});
    return Promise.resolve({ done: true, value: undefined });
  }

  /** @internal One value came. */
  _push(value: Value): void {
    if (this.#end !== undefined) return;
    this.#values.push(value);
    this.#serve();
    if (this.#values.length > this.#limit)
      this.#stop({ error: new Error(`a stream is not read: ${this.#limit} values wait`) });
  }

  /** @internal The source is through, or has failed. */
  _end(end: { error?: unknown }): void {
    this.#end ??= end;
    this.#serve();
  }

  #stop(end: { error?: unknown }): void {
    if (this.#end !== undefined) return;
    this._end(end);
    this.#cancel();
  }

  #serve(): void {
    while (this.#readers.length > 0) {
      const end = this.#end;
      if (this.#values.length > 0)
        this.#readers.shift()!.resolve({ done: false, value: this.#values.shift()! });
      else if (end === undefined) return;
      else if ('error' in end) {
        this.#end = {};
        this.#readers.shift()!.reject(end.error);
      } else this.#readers.shift()!.resolve({ done: true, value: undefined });
    }
  }
}

interface Reader<Value> {
  resolve(result: IteratorResult<Value>): void;
  reject(error: unknown): void;
}
