import { setTimeout as pause } from 'node:timers/promises';
import { isBusy } from '../socket/busy.js';
import type { EnvelopeSocket } from '../socket/envelope-socket.js';
import { withTimeout } from '../util/with-timeout.js';
import { CLOSE_TIMEOUT, disconnect } from './shutdown.js';

/** Milliseconds between two portions. */
const INTERVAL = 100;

/** How the clients of a node are asked to leave. */
interface DrainPlan {
  /** The clients that are connected now. */
  readonly clients: () => readonly EnvelopeSocket[];
  /** Clients that are asked each second. */
  readonly perSecond: number;
  /** The reason in the close frame. */
  readonly text: string;
  readonly signal: AbortSignal;
}

/**
 * Closes the connections of a node in portions, with 1001 and in random order. A client whose handler is running gets its turn
 * when the handler has ended, but waits for at most `shutdownTimeout` after the first time that it had its turn. Resolves when
 * no client is left, or when the signal aborts.
 */
export async function drainClients({ clients, perSecond, text, signal }: DrainPlan): Promise<void> {
  /** The times at which busy clients must leave anyway. */
  const deadlines = new WeakMap<EnvelopeSocket, number>();
  const closing = new Set<EnvelopeSocket>();
  let due = 0;
  let last = performance.now() - INTERVAL;
  while (!signal.aborted) {
    const left = clients().filter((client) => !closing.has(client));
    if (left.length === 0) break;
    const now = performance.now();
    // time that the event loop was busy with something else counts only once, so that no large portion follows
    due = Math.min(due + (Math.min(now - last, 2 * INTERVAL) * perSecond) / 1_000, Math.max(1, perSecond));
    last = now;
    for (const client of inRandomOrder(left)) {
      if (due < 1) break;
      if (isBusy(client) && now < deadlineOf(client, deadlines, now)) continue;
      due--;
      closing.add(client);
      void disconnect(client, text).then(() => closing.delete(client));
    }
    await pause(INTERVAL, undefined, { ref: false });
  }
  if (signal.aborted) return;
  const stillOpen = [...closing];
  await withTimeout(
    CLOSE_TIMEOUT,
    Promise.all(stillOpen.map((client) => client._connection.whenClosed())),
    undefined,
  );
  for (const client of stillOpen) if (client.readyState !== client.CLOSED) client._connection.terminate();
}

/** Yields the items in random order, and changes the list. To sort all of them for each portion would take too long. */
function* inRandomOrder<Item>(items: Item[]): Iterable<Item> {
  for (let index = 0; index < items.length; index++) {
    const other = index + Math.floor(Math.random() * (items.length - index));
    const item = items[other]!;
    items[other] = items[index]!;
    yield item;
  }
}

function deadlineOf(client: EnvelopeSocket, deadlines: WeakMap<EnvelopeSocket, number>, now: number): number {
  const deadline = deadlines.get(client) ?? now + client.nsp._config.limits.shutdownTimeout;
  deadlines.set(client, deadline);
  return deadline;
}
