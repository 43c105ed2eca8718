import { invalidArgument } from '../protocol/with-code.js';
import { callListener } from './listeners.js';
import { warn, type Outbox, type StoredMessage } from './outbox.js';

/** The writer that uses an outbox, or was the last one that did. */
const WRITERS = new WeakMap<Outbox, OutboxWriter>();

/** Reads and writes the outbox of one sender, one call at a time. */
export class OutboxWriter {
  readonly #outbox: Outbox;
  readonly #list: () => readonly StoredMessage[];
  readonly #onError: ((error: Error) => void) | undefined;
  /** Settles when the last `save` has. */
  #written: Promise<void> = Promise.resolve();
  /** Messages that `save` was called with, whether it succeeded or failed. */
  readonly #tried = new WeakSet<StoredMessage>();
  #isLoaded = false;
  #isQueued = false;
  #isClosed = false;
  #lastError: string | undefined;
  /** Resolves when the earlier writer has closed the outbox. */
  readonly #earlier: Promise<void> | undefined;
  /** Resolves when the outbox is closed. */
  readonly ended: Promise<void>;
  #resolveEnded: () => void = () => undefined;

  /**
   * @param list returns the messages to keep
   * @throws TypeError if another sender uses the outbox: each would delete the messages of the other
   */
  constructor(
    outbox: Outbox,
    list: () => readonly StoredMessage[],
    onError: ((error: Error) => void) | undefined,
  ) {
    this.#outbox = outbox;
    this.#list = list;
    this.#onError = onError;
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    const earlier = WRITERS.get(outbox);
    if (earlier !== undefined && !earlier.#isClosed)
      throw invalidArgument(
        'reliable: outbox is used by another reliable(…). Make one for each, or call its stop() before',
      );
    this.#earlier = earlier?.ended;
    WRITERS.set(outbox, this);
  }

  /** Gives what other pages have left to a function, now and later. */
  async load(add: (left: readonly StoredMessage[]) => void): Promise<void> {
    const addLater = (left: readonly StoredMessage[]): void => {
      if (!this.#isClosed) add(left);
    };
    let left: readonly StoredMessage[] = [];
    await this.#earlier;
    try {
      left = (await this.#outbox.load(addLater)) ?? [];
    } catch (error) {
      this.#report('read', error);
    }
    this.#isLoaded = true;
    const isChanged = this.#list().length > 0;
    add(left);
    if (this.#isClosed) void this.#end(isChanged);
    else if (isChanged) this.save();
  }

  /** Has the outbox save all messages. Calls that come before it begins are one. */
  save(): void {
    // before it is loaded, this would remove what it has
    if (!this.#isLoaded || this.#isQueued || this.#isClosed) return;
    this.#isQueued = true;
    this.#written = this.#written.then(() => this.#write());
  }

  /** Resolves when a message is saved, or could not be saved. */
  async saved(message: StoredMessage): Promise<void> {
    while (!this.#tried.has(message) && this.#isLoaded && !this.#isClosed) {
      this.save();
      await this.#written;
    }
  }

  /** Saves what is not saved yet, and closes the outbox. Before it is loaded, that is done afterwards. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#isLoaded) void this.#end(false);
  }

  async #end(isChanged: boolean): Promise<void> {
    if (isChanged) this.#written = this.#written.then(() => this.#write());
    await this.#written;
    try {
      await this.#outbox.close?.();
    } catch (error) {
      this.#report('closed', error);
    }
    this.#resolveEnded();
  }

  async #write(): Promise<void> {
    this.#isQueued = false;
    const messages = this.#list();
    try {
      await this.#outbox.save(messages);
      this.#lastError = undefined;
    } catch (error) {
      this.#report('written', error);
    }
    for (const message of messages) this.#tried.add(message);
  }

  #report(what: string, error: unknown): void {
    const text = `the outbox cannot be ${what}: ${String(error)}`;
    // each change writes, so a full disk would fill the console
    if (text === this.#lastError) return;
    this.#lastError = text;
    if (this.#onError === undefined) warn(text);
    else callListener(this.#onError, [error]);
  }
}
