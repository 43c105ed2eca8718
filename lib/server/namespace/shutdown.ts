import { setTimeout as pause } from 'node:timers/promises';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import { isBusy } from '../socket/busy.js';
import type { EnvelopeSocket } from '../socket/envelope-socket.js';
import { withTimeout } from '../util/with-timeout.js';

/** The reason in the close frame, and the disconnect reason that gateways receive. */
export const SHUTTING_DOWN = 'server shutting down';

/** Milliseconds for clients to answer the close frame, and then for `handleDisconnect` to settle. */
export const CLOSE_TIMEOUT = 2_000;
/** Milliseconds between two checks for running handlers. */
const POLL_INTERVAL = 10;

/** The minimum number of clients per batch. The batches spread the reconnects over time. */
const BATCH_SIZE = 100;
/** Milliseconds between two batches, on average. */
const BATCH_INTERVAL = 20;
/** Milliseconds for all batches together. With more clients, the batches become larger. */
const MAX_DURATION = 5_000;

/**
 * Disconnects all clients of one server. Waits for running handlers, at most `timeout` milliseconds. Then closes the
 * connections with 1001, in random order and in batches. Finally waits for the closing handshakes and for
 * `handleDisconnect`, at most 2 seconds each.
 */
export async function disconnectAll(
  clients: () => readonly EnvelopeSocket[],
  disconnectHooks: ReadonlySet<Promise<void>>,
  timeout: number,
): Promise<void> {
  const deadline = performance.now() + timeout;
  while (performance.now() < deadline && clients().some((client) => isBusy(client)))
    await pause(POLL_INTERVAL);
  const closing: { client: EnvelopeSocket; closed: Promise<void> }[] = [];
  const connected = shuffle(clients());
  const size = Math.max(BATCH_SIZE, Math.ceil((connected.length * BATCH_INTERVAL) / MAX_DURATION));
  while (connected.length > 0) {
    for (const client of connected.splice(0, size)) closing.push({ client, closed: disconnect(client) });
    // jitter, so that the nodes of a deployment do not send their batches at the same time
    if (connected.length > 0) await pause(BATCH_INTERVAL * (0.5 + Math.random()));
  }
  await withTimeout(CLOSE_TIMEOUT, Promise.all(closing.map(({ closed }) => closed)), undefined);
  for (const { client } of closing) if (client.readyState !== client.CLOSED) client._connection.terminate();
  await withTimeout(CLOSE_TIMEOUT, Promise.all(disconnectHooks), undefined);
}

/**
 * Disconnects a client, which should connect again.
 *
 * @param text the reason in the close frame
 * @returns a promise that resolves when its connection is closed
 */
export function disconnect(client: EnvelopeSocket, text: string = SHUTTING_DOWN): Promise<void> {
  const closed = client._connection.whenClosed();
  client._end(SHUTTING_DOWN, CLOSE_CODES.GOING_AWAY.code, text);
  return closed;
}

function shuffle<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
