/** The part of Web Locks that this file uses. Browsers have it on secure origins only. */
interface LockManager {
  request(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    callback: (lock: object | null) => Promise<void> | void,
  ): Promise<unknown>;
  query(): Promise<{ held?: readonly { name?: string }[] }>;
}

interface Channel {
  onmessage: ((event: { data?: unknown }) => void) | null;
  postMessage(data: string): void;
  close(): void;
}

const KEEPER = 'keeper';

/** Returns the Web Locks of this browser; `undefined` on an origin that is not secure. */
function platformLocks(): LockManager | undefined {
  return (globalThis as { navigator?: { locks?: LockManager } }).navigator?.locks;
}

/**
 * Knows which pages of this origin are open. Each page holds a lock of its name, which the browser releases when the page is
 * closed or crashes. One of them, the keeper, also learns when another one has closed; when the keeper closes, the next page
 * becomes the keeper.
 */
export class OpenPages {
  /** Resolves when this page closes, which releases its locks. */
  readonly #closed: Promise<void>;
  readonly #abort = new AbortController();
  readonly #watched = new Set<string>();
  readonly #prefix: string;
  readonly #page: string;
  readonly #onClosed: () => void;
  #locks: LockManager | undefined;
  #channel: Channel | undefined;
  #isKeeper = false;

  /**
   * @param prefix begins the names of the locks
   * @param page the name of this page, unlike those of all others
   * @param onClosed called when this page becomes the keeper later than at `open`, and when another page has closed
   */
  constructor(prefix: string, page: string, onClosed: () => void) {
    this.#prefix = prefix;
    this.#page = page;
    this.#onClosed = onClosed;
    this.#closed = new Promise((resolve) => this.#abort.signal.addEventListener('abort', () => resolve()));
  }

  /** Whether this page takes over what closed pages have left. Without Web Locks, each page does. */
  get isKeeper(): boolean {
    return this.#isKeeper;
  }

  /** Makes this page known to the others. */
  async open(): Promise<void> {
    const locks = platformLocks();
    try {
      if (locks !== undefined) {
        this.#locks = locks;
        await this.#hold(this.#page, { signal: this.#abort.signal });
        this.#announce();
        this.#isKeeper = await this.#hold(KEEPER, { ifAvailable: true });
        if (!this.#isKeeper)
          void this.#hold(KEEPER, { signal: this.#abort.signal }).then(
            () => {
              this.#isKeeper = true;
              this.#onClosed();
            },
            () => undefined,
          );
        return;
      }
    } catch {
      // a sandboxed frame has no locks
      this.#locks = undefined;
    }
    this.#isKeeper = true;
  }

  /** Returns a function that tells whether a page is open. The keeper watches those that are. */
  async others(): Promise<(page: string) => boolean> {
    const { held = [] } = (await this.#locks?.query()) ?? {};
    const open = new Set<string>();
    for (const { name = '' } of held)
      if (name.startsWith(this.#prefix)) open.add(name.slice(this.#prefix.length));
    open.delete(KEEPER);
    for (const page of open) this.#watch(page);
    return (page) => page === this.#page || open.has(page);
  }

  close(): void {
    this.#abort.abort();
    this.#channel?.close();
  }

  /** Acquires a lock until this page closes. */
  #hold(name: string, options: { ifAvailable?: boolean; signal?: AbortSignal }): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const hold = (lock: object | null): Promise<void> | void => {
        resolve(lock !== null);
        return lock === null ? undefined : this.#closed;
      };
      this.#locks!.request(this.#prefix + name, options, hold).catch(reject);
    });
  }

  /** Tells the keeper that this page is open, and listens for others. */
  #announce(): void {
    const { BroadcastChannel } = globalThis as unknown as {
      BroadcastChannel?: new (name: string) => Channel;
    };
    if (BroadcastChannel === undefined) return;
    this.#channel = new BroadcastChannel(this.#prefix);
    this.#channel.onmessage = ({ data }) => {
      if (typeof data === 'string') this.#watch(data);
    };
    this.#channel.postMessage(this.#page);
  }

  #watch(page: string): void {
    if (!this.#isKeeper || page === this.#page || this.#watched.has(page)) return;
    this.#watched.add(page);
    const { signal } = this.#abort;
    // is granted when that page has closed
    this.#locks!.request(this.#prefix + page, { signal }, () => {
      this.#watched.delete(page);
      this.#onClosed();
    }).catch(() => undefined);
  }
}
