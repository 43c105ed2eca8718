import type { ClusterStatus } from '../diagnostics/types.js';
import type { Internals } from './adapter-internals.js';

/** Hears that a broker went away, and why, or that it came back. */
export type BrokerChange = (status: ClusterStatus, before: ClusterStatus, cause: unknown) => void;

/** Milliseconds between two questions to a broker, and for which an answer is waited for. */
const INTERVAL = 2_000;
const PATIENCE = 2_000;

/** A server that uses the broker. */
interface Member {
  /** Who is to be told that something may have changed. */
  readonly listeners: (() => void)[];
  /** How often the broker has answered since the server is there. */
  answers: number;
}

/**
 * Nobody tells of what a broker lost, and of what was said before a node began to read: listeners look again when it has
 * answered so often, and each time that it has so often since, which is every minute.
 */
const FIRST_LOOK = 3;
const LOOK_EVERY = 30;

/** Asks one broker again and again whether it is there, and tells of each change once, however many the servers. */
export class BrokerMonitor {
  private readonly members = new Map<Internals, Member>();
  private timer: NodeJS.Timeout | undefined;
  private isAsking = false;
  private current: ClusterStatus = { state: 'connected', nodes: 1, since: Date.now() };

  constructor(private readonly tell: BrokerChange) {}

  get status(): ClusterStatus {
    return this.current;
  }

  add(adapter: Internals): void {
    this.members.set(adapter, { listeners: [], answers: 0 });
    if (this.timer !== undefined) return;
    this.timer = setInterval(() => void this.ask(), INTERVAL);
    this.timer.unref();
    // not at once: the adapter is about to be told that it may begin
    setImmediate(() => void this.ask());
  }

  /** @param listener hears that there are more nodes or fewer, that the broker is back, and now and then all the same */
  listen(adapter: Internals, listener: () => void): void {
    this.members.get(adapter)?.listeners.push(listener);
  }

  remove(adapter: Internals): void {
    this.members.delete(adapter);
    if (this.members.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** A publication failed: no need to wait for the next turn. */
  suspect(): void {
    if (this.current.state === 'connected') void this.ask();
  }

  /** One question at a time: a broker that has stalled would collect them. */
  private async ask(): Promise<void> {
    const [adapter] = this.members.keys();
    if (adapter === undefined || this.isAsking) return;
    this.isAsking = true;
    const patience = setTimeout(() => this.take('away', undefined, 'no answer'), PATIENCE);
    patience.unref();
    try {
      const nodes = await countNodes(adapter);
      if (this.members.size > 0) this.take('connected', nodes, undefined);
    } catch (error) {
      if (this.members.size > 0) this.take('away', undefined, error);
    } finally {
      clearTimeout(patience);
      this.isAsking = false;
    }
  }

  private take(state: 'connected' | 'away', nodes: number | undefined, cause: unknown): void {
    const before = this.current;
    const isNew = before.state !== state;
    this.current = { state, nodes: nodes ?? before.nodes, since: isNew ? Date.now() : before.since };
    if (isNew) this.tell(this.current, before, cause);
    if (state === 'away') return;
    // one that stood still may have been forgotten, and is counted again
    const hasChanged = isNew || this.current.nodes !== before.nodes;
    for (const member of this.members.values()) {
      const answers = ++member.answers;
      const isDue = answers === FIRST_LOOK || answers % LOOK_EVERY === 0;
      if (hasChanged || isDue) for (const listener of member.listeners) listener();
    }
  }
}

/** A question that only the broker can answer; those of PostgreSQL and Node's cluster count what they heard of. */
async function countNodes(adapter: Internals): Promise<number> {
  const client = Reflect.get(adapter, 'client') as
    { pool?: { query?(text: string): Promise<unknown> } } | undefined;
  if (client?.pool?.query !== undefined) await client.pool.query('SELECT 1');
  return adapter.serverCount();
}
