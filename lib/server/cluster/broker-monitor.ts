import type { ClusterStatus } from '../diagnostics/types.js';
import type { Internals } from './adapter-internals.js';

/** Called when the connection to a broker is lost, with the cause, or restored. */
export type BrokerChange = (status: ClusterStatus, before: ClusterStatus, cause: unknown) => void;

/** Milliseconds between two checks of a broker. */
const INTERVAL = 2_000;
/** How long the broker may take to respond, in milliseconds. */
const TIMEOUT = 2_000;

/** A server that uses the broker. */
interface Member {
  /** Called when the nodes may have changed. */
  readonly listeners: (() => void)[];
  /** The number of the broker's responses since the server was added. */
  responses: number;
}

/**
 * After how many responses listeners are called for the first time even without a change, and then again and again:
 * every minute. A node cannot detect messages that a broker lost, or that were sent before it subscribed.
 */
const FIRST_REFRESH = 3;
const REFRESH_EVERY = 30;

/** Checks one broker at intervals, and reports each change of its state once, regardless of the number of servers. */
export class BrokerMonitor {
  private readonly members = new Map<Internals, Member>();
  private timer: NodeJS.Timeout | undefined;
  private isChecking = false;
  private current: ClusterStatus = { state: 'connected', nodes: 1, since: Date.now() };

  constructor(private readonly onChange: BrokerChange) {}

  get status(): ClusterStatus {
    return this.current;
  }

  /** Adds a server's adapter. The first one starts the checks. */
  add(adapter: Internals): void {
    this.members.set(adapter, { listeners: [], responses: 0 });
    if (this.timer !== undefined) return;
    this.timer = setInterval(() => void this.check(), INTERVAL);
    this.timer.unref();
    // not at once, since the adapter is initialised after this call
    setImmediate(() => void this.check());
  }

  /**
   * Calls `listener` when the number of nodes changes, when the connection to the broker is restored, and every minute.
   */
  listen(adapter: Internals, listener: () => void): void {
    this.members.get(adapter)?.listeners.push(listener);
  }

  /** Removes a server's adapter. The last one stops the checks. */
  remove(adapter: Internals): void {
    this.members.delete(adapter);
    if (this.members.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Checks the broker at once, because a publication failed. */
  suspect(): void {
    if (this.current.state === 'connected') void this.check();
  }

  /** Sends one request at a time, since a stalled broker would accumulate them. */
  private async check(): Promise<void> {
    const [adapter] = this.members.keys();
    if (adapter === undefined || this.isChecking) return;
    this.isChecking = true;
    const timer = setTimeout(() => this.update('away', undefined, 'no answer'), TIMEOUT);
    timer.unref();
    try {
      const nodes = await countNodes(adapter);
      if (this.members.size > 0) this.update('connected', nodes, undefined);
    } catch (error) {
      if (this.members.size > 0) this.update('away', undefined, error);
    } finally {
      clearTimeout(timer);
      this.isChecking = false;
    }
  }

  private update(state: 'connected' | 'away', nodes: number | undefined, cause: unknown): void {
    const before = this.current;
    const isNew = before.state !== state;
    this.current = { state, nodes: nodes ?? before.nodes, since: isNew ? Date.now() : before.since };
    if (isNew) this.onChange(this.current, before, cause);
    if (state === 'away') return;
    // a node that was blocked for a while is removed and added again, which changes the number of nodes
    const hasChanged = isNew || this.current.nodes !== before.nodes;
    for (const member of this.members.values()) {
      const responses = ++member.responses;
      const isDue = responses === FIRST_REFRESH || responses % REFRESH_EVERY === 0;
      if (hasChanged || isDue) for (const listener of member.listeners) listener();
    }
  }
}

/**
 * Counts the nodes with a request that only the broker can answer. The adapters of PostgreSQL and of Node's cluster
 * count the nodes locally, so PostgreSQL gets a query as well.
 */
async function countNodes(adapter: Internals): Promise<number> {
  const client = Reflect.get(adapter, 'client') as
    { pool?: { query?(text: string): Promise<unknown> } } | undefined;
  if (client?.pool?.query !== undefined) await client.pool.query('SELECT 1');
  return adapter.serverCount();
}
