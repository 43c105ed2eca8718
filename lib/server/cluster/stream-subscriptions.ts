type Command = (...args: unknown[]) => unknown;

/** The commands of `redis` and `ioredis` that subscribe, and those that end a subscription. */
const COMMANDS = new Map([
  ['subscribe', 'unsubscribe'],
  ['sSubscribe', 'sUnsubscribe'],
  ['ssubscribe', 'sunsubscribe'],
]);

/** The events of `ioredis` with the messages of subscriptions. */
const EVENTS: ReadonlySet<unknown> = new Set(['messageBuffer', 'smessageBuffer']);

/** The end of a channel for the responses to one adapter: the id of the adapter. */
const ADAPTER_ID = /#([0-9a-f]{16})#$/;

/** What ends the subscriptions of each adapter, by the id of the adapter. */
const ends = new Map<string, readonly (() => void)[]>();

/**
 * Ends the subscriptions of an adapter of `@socket.io/redis-streams-adapter` with a tolerant client. The adapter
 * (0.3.1) does not end them itself, so that each namespace that was ever open would keep 11 kB. Where clients choose
 * the names of namespaces, they could fill the memory.
 *
 * @param id the `uid` of the adapter; nothing happens if it is not known
 */
export function endSubscriptions(id: string): void {
  const subscriptions = ends.get(id);
  ends.delete(id);
  subscriptions?.forEach((end) => end());
}

/** Records what the streams adapter subscribes with one client, for {@link endSubscriptions}. */
export class StreamSubscriptions {
  /** Of the adapter that subscribes. It makes all of its calls in one turn, and begins with the channel of all nodes. */
  private current: (() => void)[] = [];

  constructor(private readonly client: object) {}

  /** Records a call of a method of the client. */
  record(method: string, [subject, ...rest]: readonly unknown[]): void {
    if (method === 'on' && EVENTS.has(subject)) this.current.push(() => this.call('off', subject, ...rest));
    const end = COMMANDS.get(method);
    if (end === undefined) return;
    const channels = [subject].flat().map(String);
    const [, id] = ADAPTER_ID.exec(channels.at(-1)!) ?? [];
    if (channels.length > 1 || id === undefined) this.current = [];
    if (id !== undefined) ends.set(id, this.current);
    // one at a time: earlier versions of `redis` do not end the subscriptions of several channels
    this.current.push(() => channels.forEach((channel) => this.call(end, channel, ...rest)));
  }

  private call(method: string, ...args: readonly unknown[]): void {
    const result = (Reflect.get(this.client, method) as Command).apply(this.client, [...args]);
    // without a connection there is no subscription either
    if (result instanceof Promise) result.catch(() => undefined);
  }
}
