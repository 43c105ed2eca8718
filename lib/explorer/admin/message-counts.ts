import { observe } from '../../server/diagnostics/channels.js';
import type { ObservedServer } from '../../server/diagnostics/types.js';
import type { IsCounted } from './connection-counts.js';
import { NamedCounts } from './named-counts.js';
import type { Rates } from './views.js';

/** Milliseconds after the last request for an overview, after which messages are counted no longer. */
export const WATCH_TIME = 10_000;
/** The least number of milliseconds over which a rate is measured. */
const LEAST_WINDOW = 1_000;

/** The messages of one route since an admin watches. */
class RouteCounts {
  received = 0;
  receivedBytes = 0;
  emitted = 0;
  broadcasts = 0;
  private before = { at: performance.now(), received: 0, receivedBytes: 0, emitted: 0, broadcasts: 0 };
  private last: Rates | undefined;

  /** The rates since they were measured before; `undefined` in the first second. */
  measure(): Rates | undefined {
    const { received, receivedBytes, emitted, broadcasts, before } = this;
    const at = performance.now();
    const seconds = (at - before.at) / 1_000;
    if (seconds * 1_000 < LEAST_WINDOW) return this.last;
    this.before = { at, received, receivedBytes, emitted, broadcasts };
    return (this.last = {
      received: (received - before.received) / seconds,
      receivedBytes: (receivedBytes - before.receivedBytes) / seconds,
      emitted: (emitted - before.emitted) / seconds,
      broadcasts: (broadcasts - before.broadcasts) / seconds,
    });
  }
}

/** Counts messages, while an admin watches. Otherwise it is subscribed to no channel, and a message costs nothing. */
export class MessageCounts {
  since = 0;
  refused = new NamedCounts();
  limits = new NamedCounts();
  drops = new NamedCounts();
  private routes = new Map<string, RouteCounts>();
  private byServer = new WeakMap<ObservedServer, RouteCounts | false>();
  private stops: (() => void)[] = [];
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;

  constructor(private readonly isCounted: IsCounted) {}

  /** Counts for the next ten seconds; the first call begins at zero. */
  watch(): void {
    if (this.timer !== undefined) return void this.timer.refresh();
    // a node that closes may still be asked
    if (this.isOver) return;
    this.timer = setTimeout(() => this.pause(), WATCH_TIME).unref();
    this.begin();
  }

  /** Counts no more, also when it is asked to. */
  stop(): void {
    this.isOver = true;
    this.pause();
  }

  private pause(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const stop of this.stops.splice(0)) stop();
  }

  /** The rates of a route; `undefined` in the first second. */
  ratesOf(route: string): Rates | undefined {
    return this.countsOf(route).measure();
  }

  private begin(): void {
    this.since = Date.now();
    [this.refused, this.limits, this.drops] = [new NamedCounts(), new NamedCounts(), new NamedCounts()];
    this.routes = new Map();
    this.byServer = new WeakMap();
    this.stops = [
      observe('message', ({ socket, bytes }) => {
        const counts = this.of(socket.nsp);
        if (counts === undefined) return;
        counts.received++;
        counts.receivedBytes += bytes;
      }),
      observe('emit', ({ socket }) => {
        const counts = this.of(socket.nsp);
        if (counts !== undefined) counts.emitted++;
      }),
      observe('broadcast', ({ server }) => {
        const counts = this.of(server);
        if (counts !== undefined) counts.broadcasts++;
      }),
      observe('message.refuse', ({ socket, code }) => {
        if (this.of(socket.nsp) !== undefined) this.refused.add(code);
      }),
      observe('drop', ({ socket, why }) => {
        if (this.of(socket.nsp) !== undefined) this.drops.add(why);
      }),
      observe('limit', ({ limit, socket }) => {
        if (socket === undefined || this.of(socket.nsp) !== undefined) this.limits.add(limit);
      }),
    ];
  }

  /** Returns the counts of a server's route; `undefined` if it is not counted. */
  private of(server: ObservedServer): RouteCounts | undefined {
    let counts = this.byServer.get(server);
    if (counts === undefined) {
      counts = this.isCounted(server) && this.countsOf(server.route);
      this.byServer.set(server, counts);
    }
    return counts === false ? undefined : counts;
  }

  private countsOf(route: string): RouteCounts {
    let counts = this.routes.get(route);
    if (counts === undefined) this.routes.set(route, (counts = new RouteCounts()));
    return counts;
  }
}
