import type { Adapter } from 'socket.io-adapter';
import type { ClusterStatus } from '../server/contract.js';
import { makeAdapter, type AdapterFactory } from '../server/mount.js';
import { boundRequests } from './bounded.js';
import { BrokerWatch, type BrokerChange } from './broker-watch.js';
import { baseOf, isAlone, override, type Internals } from './internals.js';
import { serveLocallyFirst } from './local-first.js';
import { dropGarbage, releaseProcess, watchClients } from './shield.js';

const ALONE: ClusterStatus = { state: 'alone', nodes: 1, since: Date.now() };

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
export class Cluster {
  private readonly watches = new Map<AdapterFactory, BrokerWatch>();
  private readonly watchOf = new WeakMap<object, BrokerWatch>();

  constructor(
    /** Told once per change and broker, however many servers use it. */
    private readonly changed: BrokerChange,
  ) {}

  /** A factory of adapters that can be relied on. */
  tame(factory: AdapterFactory, listener: ClusterListener): AdapterFactory {
    return (nsp) => {
      const { name } = nsp as { name: string };
      const before = process.listeners('message');
      const adapter = makeAdapter(factory, nsp);
      const internals = adapter as unknown as Internals;
      if (!isAlone(internals)) this.harness(factory, internals, name, before, listener);
      return adapter;
    };
  }

  /** How a server stands with the other nodes. */
  statusOf(adapter: Adapter): ClusterStatus {
    return this.watchOf.get(adapter)?.status ?? ALONE;
  }

  private harness(
    factory: AdapterFactory,
    adapter: Internals,
    name: string,
    before: unknown[],
    { dropped, failed: notSent }: ClusterListener,
  ): void {
    const watch = this.brokerOf(factory);
    const failed = (error: unknown): void => {
      watch.suspect();
      // told of as a whole where the broker is away
      if (watch.status.state === 'connected') notSent(name, error);
    };
    dropGarbage(adapter, (error) => dropped(name, error));
    watchClients(adapter, failed);
    // ClusterAdapter swallows what its publications are rejected with
    override(adapter, 'doPublish', (publish) => (message) => {
      const sent = publish(message);
      if (sent instanceof Promise) sent.catch(failed);
      return sent;
    });
    const base = baseOf(adapter)!;
    boundRequests(adapter, base);
    if (adapter.doPublish !== undefined) serveLocallyFirst(adapter, base);
    releaseProcess(adapter, before);
    override(adapter, 'close', (close) => () => {
      watch.remove(adapter);
      return close();
    });
    this.watchOf.set(adapter, watch);
    watch.add(adapter);
  }

  private brokerOf(factory: AdapterFactory): BrokerWatch {
    let watch = this.watches.get(factory);
    if (watch === undefined) {
      watch = new BrokerWatch(this.changed);
      this.watches.set(factory, watch);
    }
    return watch;
  }
}
