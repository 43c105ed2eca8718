import type { Adapter } from 'socket.io-adapter';
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
import type { LoggedPacket } from '../rooms/outgoing-message.js';
import type { PacketEncoder } from '../rooms/packet-encoder.js';
import { snapshotMessages } from './message-snapshot.js';
import { limitRequestTime } from './request-timeouts.js';
import { brokerNameOf, named } from './broker-name.js';
import { BrokerMonitor, type BrokerChange } from './broker-monitor.js';
import { baseOf, isAlone, override, publisherOf, type Internals, type Method } from './adapter-internals.js';
import { serveLocallyFirst } from './local-first.js';
import { discard, keepConnection, maxNameBytes, stopListening } from './postgres-connection.js';
import { PendingPublications } from './pending-publications.js';
import { dropMalformed, releaseProcess, trackClients } from './message-guard.js';
import { endSubscriptions } from './stream-subscriptions.js';
import { skipUnaddressed } from './unaddressed-broadcasts.js';

const ALONE: ClusterStatus = { state: 'alone', nodes: 1, since: Date.now() };

/** The type of a message that `ClusterAdapter` ignores, but stores in its log. */
const HEARTBEAT = 2;

/** The part of a server that its adapter uses. */
interface ServerOfAdapter {
  readonly name: string;
  readonly opts: Readonly<Record<string, unknown>>;
  readonly encoder: Pick<PacketEncoder, 'check' | 'skip'>;
}

/** Receives the errors of the communication between nodes. */
export interface ClusterListener {
  /** Called when a message of the broker is malformed and was dropped. */
  dropped(server: string, error: unknown): void;
  /** Called when a message could not be sent to the other nodes, although the broker answers. */
  failed(server: string, error: unknown): void;
}

/**
 * Creates the adapters of all servers, and makes third-party adapters safe: the clients of this node are served first
 * and independently of the broker, messages of other nodes are checked, and requests have a timeout.
 */
export class Cluster implements ClusterMonitor {
  private readonly monitorByFactory = new Map<AdapterFactory, BrokerMonitor>();
  private readonly monitors = new WeakMap<object, BrokerMonitor>();
  private readonly logs = new WeakMap<object, SharedLog>();
  private readonly budget = new TakeOverBudget();
  /** The class names of adapters without recovery that were reported. */
  private readonly reported = new Set<string>();

  constructor(
    /** Called once per change and broker, regardless of the number of servers. */
    private readonly onBrokerChange: BrokerChange,
  ) {}

  /** Returns a function that creates safe adapters with a factory of the application. */
  wrapFactory(factory: AdapterFactory, listener: ClusterListener): CreateAdapter {
    return (server, forEachSocket) => {
      const nsp = server as ServerOfAdapter;
      const before = process.listeners('message');
      const adapter = createNamedAdapter(factory, nsp);
      if (forEachSocket !== undefined) Reflect.set(adapter, 'apply', forEachSocket);
      const internals = adapter as unknown as Internals;
      if (!isAlone(internals)) this.protect(factory, internals, nsp, before, listener);
      return adapter;
    };
  }

  /** Returns the cluster status of an adapter: `alone` for one of a single process. */
  statusOf(adapter: Adapter): ClusterStatus {
    return this.monitors.get(adapter)?.status ?? ALONE;
  }

  /** Calls `listener` when the number of nodes changes, when the broker is connected again, and every minute. */
  watch(adapter: Adapter, listener: () => void): void {
    this.monitors.get(adapter)?.listen(adapter as unknown as Internals, listener);
  }

  /** Returns the recovery of one path, with which clients resume on any node. It requires adapters that store a log. */
  recovery(
    options: ConstructorParameters<typeof StorageBudget>[0],
    /** Called once per class of adapters that store no log, with its name. May throw. */
    onUnsupported: (adapter: string) => void,
  ): RecoverySettings {
    const storage = new StorageBudget(options);
    return {
      maxDisconnectionDuration: options.maxDisconnectionDuration,
      of: (adapter, server, parent) => {
        const own = this.sourceOf(adapter);
        const inherited = parent && this.sourceOf(parent);
        if (own !== undefined && (parent === undefined || inherited !== undefined))
          return new ClusterRecovery(server, own, this.budget, storage, options.warn, inherited);
        const { name } = adapter.constructor;
        if (!this.reported.has(name)) {
          this.reported.add(name);
          onUnsupported(name);
        }
        return undefined;
      },
    };
  }

  private sourceOf(adapter: Adapter): Source | undefined {
    const log = this.logs.get(adapter);
    return log && { adapter, log };
  }

  /** Makes the adapter of a cluster safe: see the class. */
  private protect(
    factory: AdapterFactory,
    adapter: Internals,
    nsp: ServerOfAdapter,
    before: unknown[],
    { dropped, failed: notSent }: ClusterListener,
  ): void {
    const { name } = nsp;
    skipUnaddressed(adapter, nsp.encoder);
    const monitor = this.monitorOf(factory);
    const publications = new PendingPublications((error) => {
      monitor.suspect();
      // a broker that does not answer is reported once, not for each message
      if (monitor.status.state === 'connected') notSent(name, error);
    });
    const log =
      nsp.opts['connectionStateRecovery'] === undefined ? undefined : this.openLog(adapter, monitor);
    dropMalformed(adapter, (error) => dropped(name, error));
    trackClients(adapter, publications);
    keepConnection(adapter, () => monitor.suspect());
    stopListening(adapter);
    const publisher = publisherOf(adapter);
    snapshotMessages(adapter, publisher);
    trackPublications(adapter, publisher, publications);
    const base = baseOf(adapter)!;
    limitRequestTime(adapter, base);
    // serveLocallyFirst checks the data as well, since it encodes the message for this node first
    if (publisher !== undefined) serveLocallyFirst(adapter, base, log);
    else override(adapter, 'broadcast', (broadcast) => checkData(nsp, broadcast));
    override(adapter, 'broadcastWithAck', (broadcast) => checkData(nsp, broadcast));
    releaseProcess(adapter, before);
    override(adapter, 'close', (close) => async () => {
      const isAway = monitor.status.state === 'away';
      monitor.remove(adapter);
      await close();
      endSubscriptions(String(Reflect.get(adapter, 'uid')));
      // the application may close its broker's clients as soon as this resolves
      await publications.close(isAway);
    });
    this.monitors.set(adapter, monitor);
    monitor.add(adapter);
  }

  /** Opens the log of an adapter; `undefined` if the adapter cannot restore sessions. */
  private openLog(adapter: Internals, monitor: BrokerMonitor): SharedLog | undefined {
    if (adapter.doPublish === undefined || baseOf(adapter)!.restoreSession === adapter.restoreSession)
      return undefined;
    const uid = Reflect.get(adapter, 'uid') as string;
    const log = new SharedLog(uid, () => monitor.status.state === 'away');
    override(adapter, 'onMessage', (take) => (message, offset) => {
      if (typeof offset === 'string' && log.receive(message as never, offset)) return;
      return take(message, offset);
    });
    override(adapter, 'close', (close) => () => {
      log.stop();
      return close();
    });
    const writeProbe = (): void =>
      void (adapter.doPublish!({ uid, nsp: adapter.nsp.name, type: HEARTBEAT }) as Promise<unknown>).catch(
        () => undefined,
      );
    log.start(writeProbe);
    this.logs.set(adapter, log);
    return log;
  }

  private monitorOf(factory: AdapterFactory): BrokerMonitor {
    let monitor = this.monitorByFactory.get(factory);
    if (monitor === undefined) {
      monitor = new BrokerMonitor(this.onBrokerChange);
      this.monitorByFactory.set(factory, monitor);
    }
    return monitor;
  }
}

/** Tracks what an adapter publishes. Adapters ignore the rejections of their publications, or leave them unhandled. */
function trackPublications(
  adapter: Internals,
  publisher: 'doPublish' | 'publish' | undefined,
  publications: PendingPublications,
): void {
  if (publisher !== undefined) {
    override(adapter, publisher, (publish) => (message) => {
      const sent = publish(message);
      if (sent instanceof Promise) publications.track(sent);
      return sent;
    });
  }
  // some adapters encode a response synchronously: data of a socket that cannot be encoded would end the process
  override(adapter, 'doPublishResponse', (publish) => async (...args) => {
    try {
      await publish(...args);
    } catch (error) {
      publications.report(error);
    }
  });
}

/** Makes a broadcast throw on data that no client could get. */
function checkData({ encoder }: ServerOfAdapter, broadcast: Method): Method {
  return (packet, ...rest) => {
    encoder.check(packet as LoggedPacket);
    return broadcast(packet, ...rest);
  };
}

/** The maximum bytes of a server's name, of factories that have created an adapter. */
const maxBytes = new WeakMap<AdapterFactory, number>();

/**
 * Creates an adapter that uses a name of the server that is safe for its broker.
 *
 * @throws Error that names the server, the cause, and the fix if it is known
 */
function createNamedAdapter(factory: AdapterFactory, nsp: ServerOfAdapter): Adapter {
  try {
    const name = brokerNameOf(nsp.name, maxBytes.get(factory));
    const adapter = createAdapter(factory, named(nsp, name));
    const internals = adapter as unknown as Internals;
    // without a broker no other code reads the name, and a proxy would only cost time
    if (isAlone(internals)) Reflect.set(adapter, 'nsp', nsp);
    // only an adapter tells the limit, so the first one of a factory may have to be replaced
    maxBytes.set(factory, maxNameBytes(internals));
    const short = brokerNameOf(nsp.name, maxBytes.get(factory));
    if (short === name) return adapter;
    const shorter = createAdapter(factory, named(nsp, short));
    discard(internals);
    return shorter;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const hint = process.send === undefined && reason.includes('process.send') ? NO_WORKER : '';
    throw withCode(
      'ERR_ENVELOPE_ADAPTER_FAILED',
      new Error(`${nsp.name}: its adapter could not be created: ${reason}${hint}`, { cause: error }),
    );
  }
}

const NO_WORKER =
  ". @socket.io/cluster-adapter is for the workers of Node's cluster: start them with cluster.fork(), and call " +
  'setupPrimary() in the primary';
