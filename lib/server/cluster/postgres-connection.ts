import { override, type Internals } from './adapter-internals.js';

/** A client of a pool of `pg`. */
interface Client extends NodeJS.EventEmitter {
  release(destroy?: boolean): void;
}

interface Pool extends NodeJS.EventEmitter {
  connect(): Promise<Client>;
  query(...args: unknown[]): unknown;
}

/** What the adapter of PostgreSQL has for all paths together. */
interface PubSub {
  readonly opts?: { readonly channelPrefix?: string };
  pool: Pick<Pool, 'connect' | 'query'>;
  /** The line on which it listens: taken out of the pool, until the adapter closes. */
  client: Client | undefined;
  readonly reconnectTimer: NodeJS.Timeout | undefined;
}

const held = new WeakSet<object>();

/** Bytes of an identifier, and so of a channel's name. `LISTEN` cuts a longer one, and `pg_notify` refuses it. */
const MAX_IDENTIFIER = 63;

/** Bytes that a server's name may have with this adapter; `Infinity` where it is not that of PostgreSQL. */
export function maxNameBytes(adapter: Internals): number {
  const pubSub = Reflect.get(adapter, 'client') as Partial<PubSub> | undefined;
  if (typeof pubSub?.pool?.query !== 'function') return Infinity;
  // channels are `socket.io#/path`
  return MAX_IDENTIFIER - Buffer.byteLength(`${pubSub.opts?.channelPrefix ?? ''}#`);
}

/** Closes an adapter that was never used, without a word to the other nodes. */
export function discard(adapter: Internals): void {
  Reflect.set(adapter, 'publish', () => undefined);
  void adapter.close();
}

/**
 * Looks after the line on which the adapter of PostgreSQL listens. The adapter has no ear for its errors, one of which
 * would end the process; it keeps the place of a dead one in the pool for ever; it makes two, and hears everything
 * twice, where the line goes while it is being made; and one that is made when the adapter has closed stays.
 *
 * @param failed hears of errors of the pool's, to which nobody else may listen
 */
export function keepConnection(adapter: Internals, failed: () => void): void {
  const pubSub = pubSubOf(adapter);
  if (pubSub === undefined || held.has(pubSub)) return;
  held.add(pubSub);
  const pool = pubSub.pool as Pool;
  const owned = new WeakSet<Client>();
  const own = (client: Client): Client => {
    if (owned.has(client)) return client;
    owned.add(client);
    return client.on('error', ignore).once('end', () => client.release(true));
  };
  pubSub.pool = {
    connect: async () => own(await pool.connect()),
    query: (...args) => pool.query(...args),
  };
  // the first was asked for before: which of the pool's it is shows when it listens
  const listen = (client: Client): void => void client.on('error', ignore);
  pool.on('connect', listen).on('error', failed);
  let isClosed = false;
  let current = pubSub.client && own(pubSub.client);
  const take = (client: Client | undefined): void => {
    current = client && own(client);
    if (isClosed) current?.removeAllListeners('end').release(true);
  };
  Object.defineProperty(pubSub, 'client', { get: () => current, set: take });
  override(pubSub, 'scheduleReconnection', (schedule) => () => {
    clearTimeout(pubSub.reconnectTimer);
    return isClosed ? undefined : schedule();
  });
  override(pubSub, 'close', (close) => () => {
    isClosed = true;
    pool.off('connect', listen).off('error', failed);
    return close();
  });
}

// who waits for a query gets its rejection, and the adapter hears of the end
function ignore(): void {}

function pubSubOf(adapter: Internals): PubSub | undefined {
  const pubSub = Reflect.get(adapter, 'client') as { readonly pool?: Partial<Pool> } | undefined;
  return typeof pubSub?.pool?.on === 'function' ? (pubSub as PubSub) : undefined;
}
