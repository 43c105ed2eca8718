import { Poll } from './poll.js';

/** Overviews that are kept for the charts. */
const KEPT = 90;
/** Milliseconds that "lately" covers. */
const LATELY = 60_000;

/** Requests the overview at the interval of the server, and keeps what charts need. It emits `overview`. */
export class Watch extends EventTarget {
  /** The last overview; `undefined` before the first one. */
  overview = undefined;
  /** The address that was refused most often when that came; `undefined`: none. */
  refused = undefined;
  /** Figures of the last overviews, the newest last: objects of numbers, where `undefined` means not known. */
  history = [];
  #request;
  #poll;
  /** Overviews of the last minute that the same nodes answered, the oldest first. */
  #comparable = [];

  /**
   * @param request sends a request to the server
   * @param closeCodes the codes that the server uses, with what they mean
   */
  constructor(request, closeCodes) {
    super();
    this.#request = request;
    this.closeCodes = closeCodes;
  }

  /** @param interval milliseconds */
  start(interval) {
    this.#poll?.close();
    this.#poll = new Poll(() => this.#load(), interval);
    this.#poll.start();
  }

  stop() {
    this.#poll?.close();
  }

  /** Returns how often a name of a list was counted in the last minute; `undefined` if that is not known. */
  lately(list, name) {
    const [oldest] = this.#comparable;
    if (oldest === undefined || oldest === this.overview) return undefined;
    return countOf(this.overview, list, name) - countOf(oldest, list, name);
  }

  async #load() {
    const [overview, refusals] = await Promise.all([
      this.#request('overview'),
      this.#request('refusals', { order: 'rate', limit: 1 }),
    ]);
    this.refused = refusals.rows[0];
    const before = this.overview;
    this.overview = overview;
    // counts of other nodes are not comparable: those of a node that starts to answer would look like a burst
    const isComparable = before !== undefined && answering(before) === answering(overview);
    if (!isComparable) this.#comparable = [];
    this.#comparable.push(overview);
    while (this.#comparable[0].at < overview.at - LATELY) this.#comparable.shift();
    this.history.push(figuresOf(overview, isComparable ? before : undefined));
    if (this.history.length > KEPT) this.history.shift();
    this.dispatchEvent(new Event('overview'));
  }
}

function answering({ nodes }) {
  return nodes
    .filter(({ state }) => state === 'live')
    .map(({ id }) => id)
    .join();
}

function countOf({ counts }, list, name) {
  return counts[list].find((one) => one.name === name)?.count ?? 0;
}

const sum = (rows, of) => rows.reduce((total, row) => total + of(row), 0);

function figuresOf({ at, nodes, namespaces, counts }, before) {
  const seconds = before === undefined ? undefined : (at - before.at) / 1_000;
  const perSecond = (of) => (seconds > 0 ? Math.max(0, of(counts) - of(before.counts)) / seconds : undefined);
  const measured = namespaces.filter(({ rates }) => rates !== undefined);
  const sumRates = (of) => (measured.length === 0 ? undefined : sum(measured, ({ rates }) => of(rates)));
  return {
    connections: sum(nodes, ({ state, connections }) => (state === 'live' ? connections : 0)),
    opened: perSecond(({ opened }) => opened),
    closed: perSecond(({ closed }) => closed),
    refused: perSecond(({ refusedUpgrades }) => sum(refusedUpgrades, ({ count }) => count)),
    received: sumRates(({ received }) => received),
    receivedBytes: sumRates(({ receivedBytes }) => receivedBytes),
    sent: sumRates(({ emitted, broadcasts }) => emitted + broadcasts),
    buffered: sum(namespaces, ({ buffered }) => buffered),
    slow: sum(namespaces, ({ slow }) => slow),
  };
}
