import { override, type Internals } from './adapter-internals.js';

/** A client of a `pg` pool. */
interface Client extends NodeJS.EventEmitter {
  query(statement: string): Promise<unknown>;
  release(destroy?: boolean): void;
}

interface Pool extends NodeJS.EventEmitter {
  connect(): Promise<Client>;
  query(...args: unknown[]): unknown;
}

/** The state that PostgreSQL's adapter shares between all paths. */
interface PubSub {
  readonly opts?: { readonly channelPrefix?: string };
  /** The channels of all paths that were ever open. A new connection listens to each. */
  readonly channels?: Set<string>;
  pool: Pick<Pool, 'connect' | 'query'>;
  /** The connection on which the adapter listens, checked out of the pool until the adapter closes. */
  client: ListenConnection | undefined;
  readonly reconnectTimer: NodeJS.Timeout | undefined;
}

/**
 * States that {@link keepConnection} has patched already, each with the channels that were left while a connection was
 * being opened: it may listen to them already.
 */
const patched = new WeakMap<PubSub, Set<string>>();

/**
 * The maximum bytes of an identifier, and so of a channel's name. `LISTEN` truncates a longer one, and `pg_notify`
 * rejects it.
 */
const MAX_IDENTIFIER = 63;

/** Returns the maximum bytes of a server's name for this adapter; `Infinity` unless it is that of PostgreSQL. */
export function maxNameBytes(adapter: Internals): number {
  const pubSub = pubSubOf(adapter);
  return pubSub === undefined ? Infinity : MAX_IDENTIFIER - Buffer.byteLength(channelOf(pubSub, ''));
}

/** Closes an adapter that was never used, without a message to the other nodes. */
export function discard(adapter: Internals): void {
  Reflect.set(adapter, 'publish', () => undefined);
  void adapter.close();
}

/**
 * Stops listening for a path when its adapter closes. The adapter (0.5) keeps the channels of removed namespaces, so
 * that clients that choose their names could fill the memory of both sides.
 */
export function stopListening(adapter: Internals): void {
  const pubSub = pubSubOf(adapter);
  if (!(pubSub?.channels instanceof Set)) return;
  const channel = channelOf(pubSub, adapter.nsp.name);
  override(adapter, 'close', (close) => () => {
    if (pubSub.channels!.delete(channel)) {
      // before the adapter returns its connection to the pool
      if (pubSub.client) unlisten(pubSub.client, channel);
      else patched.get(pubSub)?.add(channel);
    }
    return close();
  });
}

/**
 * Handles failures of the connection on which PostgreSQL's adapter listens. The adapter alone has these faults:
 *
 * - it does not listen to the connection's errors, one of which would end the process
 * - it never returns a lost connection to the pool
 * - it opens two connections, and receives each message twice, if the first one is lost while it is being opened
 * - it does not close a connection that opens after the adapter was closed
 * - it starts a statement while another one runs, which pg 9 refuses
 *
 * @param failed called on errors of the pool, to which no other code may listen
 */
export function keepConnection(adapter: Internals, failed: () => void): void {
  const pubSub = pubSubOf(adapter);
  if (pubSub === undefined || patched.has(pubSub)) return;
  const leftEarly = new Set<string>();
  patched.set(pubSub, leftEarly);
  const pool = pubSub.pool as Pool;
  const handled = new WeakSet<Client>();
  const handle = (client: Client): Client => {
    if (handled.has(client)) return client;
    handled.add(client);
    return client.on('error', ignore).once('end', () => client.release(true));
  };
  pubSub.pool = {
    connect: async () => {
      leftEarly.clear();
      return handle(await pool.connect());
    },
    query: (...args) => pool.query(...args),
  };
  // the adapter has requested its first connection already, so errors of all new connections are handled until that one
  // is known
  const listen = (client: Client): void => void client.on('error', ignore);
  pool.on('connect', listen).on('error', failed);
  let isClosed = false;
  let current: ListenConnection | undefined;
  const setClient = (client: Client | undefined): void => {
    current = client && new ListenConnection(handle(client));
    if (isClosed) {
      current?.removeAllListeners('end').release(true);
      current = undefined;
    }
    if (current === undefined) return;
    for (const channel of leftEarly) if (!pubSub.channels?.has(channel)) unlisten(current, channel);
    leftEarly.clear();
  };
  setClient(pubSub.client as Client | undefined);
  Object.defineProperty(pubSub, 'client', { get: () => current, set: setClient });
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

/** What the adapter uses of the client on which it listens. Runs its statements one after the other. */
class ListenConnection {
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly client: Client) {}

  query(statement: string): Promise<unknown> {
    this.last = this.last.catch(ignore).then(() => this.client.query(statement));
    return this.last;
  }

  removeAllListeners(event: string): this {
    this.client.removeAllListeners(event);
    return this;
  }

  /** Returns the client to its pool after the last statement, or closes it at once. */
  release(destroy = false): void {
    if (destroy) this.client.release(true);
    else void this.last.catch(ignore).then(() => this.client.release());
  }
}

function unlisten(connection: ListenConnection, channel: string): void {
  connection.query(`UNLISTEN "${channel}"`).catch(ignore);
}

/**
 * Handles the errors of a connection: a pending query rejects anyway, and the adapter listens to the end of the
 * connection.
 */
function ignore(): void {}

function pubSubOf(adapter: Internals): PubSub | undefined {
  const pubSub = Reflect.get(adapter, 'client') as { readonly pool?: Partial<Pool> } | undefined;
  return typeof pubSub?.pool?.query === 'function' ? (pubSub as PubSub) : undefined;
}

/** Returns the channel of a path: `socket.io#/path`. */
function channelOf({ opts }: PubSub, path: string): string {
  return `${opts?.channelPrefix ?? ''}#${path}`;
}
