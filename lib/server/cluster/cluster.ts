import type { Adapter } from 'socket.io-adapter';
import { assertCarried } from '../../protocol/payload.js';
import { withCode } from '../../protocol/with-code.js';
import { ClusterRecovery, type Source } from '../recovery/cluster-recovery.js';
import { SharedLog } from '../recovery/shared-log.js';
import { StorageBudget } from '../recovery/storage-budget.js';
import { TakeOverBudget } from '../recovery/take-over-budget.js';
import type { RecoverySettings } from '../recovery/types.js';
import type { ClusterStatus } from '../diagnostics/types.js';
import {
  createAdapter,
  type AdapterFactory,
  type CreateAdapter,
  type ClusterMonitor,
} from '../rooms/adapter-factory.js';
import { snapshotMessages } from './message-snapshot.js';
import { limitRequestTime } from './request-timeouts.js';
import { brokerNameOf, named } from './broker-name.js';
import { BrokerMonitor, type BrokerChange } from './broker-monitor.js';
import { baseOf, isAlone, override, publisherOf, type Internals, type Method } from './adapter-internals.js';
import { serveLocallyFirst } from './local-first.js';
import { discard, keepConnection, maxNameBytes } from './postgres-connection.js';
import { Publications } from './publications.js';
import { dropGarbage, releaseProcess, watchClients } from './message-guard.js';

const ALONE: ClusterStatus = { state: 'alone', nodes: 1, since: Date.now() };

/** What `ClusterAdapter` takes no notice of, but that its log counts. */
const HEARTBEAT = 2;

/** What of a server concerns the way to other nodes. */
interface Served {
  readonly name: string;
  readonly opts: Readonly<Record<string, unknown>>;
}

/** Who hears of what goes wrong between the nodes. */
export interface ClusterListener {
  /** What came over the broker could not be read. */
  dropped(server: string, error: unknown): void;
  /** Something could not be sent to the other nodes, although the broker seems to be there. */
  failed(server: string, error: unknown): void;
}

/**
 * Makes the adapters of all servers, and stands between them and their brokers: this node's clients are served first
 * and whatever becomes of the broker, what other nodes send is checked, and who waits does so for a bounded time.
 */
export class Cluster implements ClusterMonitor {
  private readonly watches = new Map<AdapterFactory, BrokerMonitor>();
  private readonly watchOf = new WeakMap<object, BrokerMonitor>();
  private readonly feeds = new WeakMap<object, SharedLog>();
  private readonly budget = new TakeOverBudget();
  /** Adapters that cannot give sessions back, by their class. */
  private readonly refused = new Set<string>();

  constructor(
    /** Told once per change and broker, however many servers use it. */
    private readonly changed: BrokerChange,
  ) {}

  /** A factory of adapters that can be relied on. */
  wrapFactory(factory: AdapterFactory, listener: ClusterListener): CreateAdapter {
    return (server, walk) => {
      const nsp = server as Served;
      const before = process.listeners('message');
      const adapter = make(factory, nsp);
      if (walk !== undefined) Reflect.set(adapter, 'apply', walk);
      const internals = adapter as unknown as Internals;
      if (!isAlone(internals)) this.protect(factory, internals, nsp, before, listener);
      return adapter;
    };
  }

  /** How a server stands with the other nodes. */
  statusOf(adapter: Adapter): ClusterStatus {
    return this.watchOf.get(adapter)?.status ?? ALONE;
  }

  watch(adapter: Adapter, listener: () => void): void {
    this.watchOf.get(adapter)?.listen(adapter as unknown as Internals, listener);
  }

  /** What clients get back that come back to any node, where the adapter keeps a log. */
  recovery(
    terms: ConstructorParameters<typeof StorageBudget>[0],
    /** Hears once of an adapter that cannot give sessions back; may throw. */
    refuse: (adapter: string) => void,
  ): RecoverySettings {
    const storage = new StorageBudget(terms);
    return {
      maxDisconnectionDuration: terms.maxDisconnectionDuration,
      of: (adapter, server, parent) => {
        const own = this.sourceOf(adapter);
        const inherited = parent && this.sourceOf(parent);
        if (own !== undefined && (parent === undefined || inherited !== undefined))
          return new ClusterRecovery(server, own, this.budget, storage, terms.warn, inherited);
        const { name } = adapter.constructor;
        if (!this.refused.has(name)) {
          this.refused.add(name);
          refuse(name);
        }
        return undefined;
      },
    };
  }

  private sourceOf(adapter: Adapter): Source | undefined {
    const feed = this.feeds.get(adapter);
    return feed && { adapter, log: feed };
  }

  private protect(
    factory: AdapterFactory,
    adapter: Internals,
    nsp: Served,
    before: unknown[],
    { dropped, failed: notSent }: ClusterListener,
  ): void {
    const { name } = nsp;
    const watch = this.brokerOf(factory);
    const publications = new Publications((error) => {
      watch.suspect();
      // told of as a whole where the broker is away
      if (watch.status.state === 'connected') notSent(name, error);
    });
    const feed = nsp.opts['connectionStateRecovery'] === undefined ? undefined : this.feedOf(adapter, watch);
    dropGarbage(adapter, (error) => dropped(name, error));
    watchClients(adapter, publications);
    keepConnection(adapter, () => watch.suspect());
    const publisher = publisherOf(adapter);
    snapshotMessages(adapter, publisher);
    // adapters swallow what their publications are rejected with, or leave it unhandled
    if (publisher !== undefined) {
      override(adapter, publisher, (publish) => (message) => {
        const sent = publish(message);
        if (sent instanceof Promise) publications.watch(sent);
        return sent;
      });
    }
    // some encode an answer at once: what cannot be encoded, in the data of a socket, would end the process
    override(adapter, 'doPublishResponse', (publish) => async (...args) => {
      try {
        await publish(...args);
      } catch (error) {
        publications.report(error);
      }
    });
    const base = baseOf(adapter)!;
    limitRequestTime(adapter, base);
    // this node encodes what it serves first
    if (publisher !== undefined) serveLocallyFirst(adapter, base, feed);
    else override(adapter, 'broadcast', refuseDamage);
    override(adapter, 'broadcastWithAck', refuseDamage);
    releaseProcess(adapter, before);
    override(adapter, 'close', (close) => async () => {
      const isAway = watch.status.state === 'away';
      watch.remove(adapter);
      await close();
      // an application may end its broker's clients as soon as it has closed
      await publications.close(isAway);
    });
    this.watchOf.set(adapter, watch);
    watch.add(adapter);
  }

  /** Of an adapter whose broker keeps what was sent, and gives it back. */
  private feedOf(adapter: Internals, watch: BrokerMonitor): SharedLog | undefined {
    if (adapter.doPublish === undefined || baseOf(adapter)!.restoreSession === adapter.restoreSession)
      return undefined;
    const uid = Reflect.get(adapter, 'uid') as string;
    const feed = new SharedLog(uid, () => watch.status.state === 'away');
    override(adapter, 'onMessage', (take) => (message, offset) => {
      if (typeof offset === 'string') feed.receive(message as never, offset);
      return take(message, offset);
    });
    override(adapter, 'close', (close) => () => {
      feed.stop();
      return close();
    });
    const seed = (): void =>
      void (adapter.doPublish!({ uid, nsp: adapter.nsp.name, type: HEARTBEAT }) as Promise<unknown>).catch(
        () => undefined,
      );
    feed.start(seed);
    this.feeds.set(adapter, feed);
    return feed;
  }

  private brokerOf(factory: AdapterFactory): BrokerMonitor {
    let watch = this.watches.get(factory);
    if (watch === undefined) {
      watch = new BrokerMonitor(this.changed);
      this.watches.set(factory, watch);
    }
    return watch;
  }
}

/** Some publish a packet before this node has encoded it, and brokers damage what JSON cannot carry as they like. */
function refuseDamage(broadcast: Method): Method {
  return (packet, ...rest) => {
    const [event, data] = (packet as { data: [string, unknown] }).data;
    assertCarried(data, event);
    return broadcast(packet, ...rest);
  };
}

/**
 * Makes an adapter, which knows the server by a name that is safe with its broker.
 *
 * @throws Error that names the server, and what is missing where that is known
 */
function make(factory: AdapterFactory, nsp: Served): Adapter {
  try {
    const name = brokerNameOf(nsp.name);
    const adapter = createAdapter(factory, named(nsp, name));
    const internals = adapter as unknown as Internals;
    // nobody else reads the name: a view would only cost time
    if (isAlone(internals)) Reflect.set(adapter, 'nsp', nsp);
    const short = brokerNameOf(nsp.name, maxNameBytes(internals));
    if (short === name) return adapter;
    const shorter = createAdapter(factory, named(nsp, short));
    discard(internals);
    return shorter;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const hint = process.send === undefined && why.includes('process.send') ? NO_WORKER : '';
    throw withCode(
      'ERR_ENVELOPE_ADAPTER_FAILED',
      new Error(`${nsp.name}: its adapter could not be made: ${why}${hint}`, { cause: error }),
    );
  }
}

const NO_WORKER =
  ". @socket.io/cluster-adapter is for the workers of Node's cluster: start them with cluster.fork(), and call " +
  'setupPrimary() in the primary';
