import { setTimeout as pause } from 'node:timers/promises';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import { isBusy } from '../socket/busy.js';
import type { EnvelopeSocket } from '../socket/envelope-socket.js';
import { withTimeout } from '../util/with-timeout.js';

/** The close reason, and the word that gateways get. */
export const SHUTTING_DOWN = 'server shutting down';

/** Milliseconds for clients to answer the close frame, and again for `handleDisconnect` to settle. */
const GRACE = 2_000;
const POLL = 10;

/** So many clients are let go at once; beyond that they go in slices, so that they do not come back all at once. */
const SLICE = 100;
const SLICE_INTERVAL = 20;
/** Milliseconds; with more clients the slices grow. */
const MAX_SPREAD = 5_000;

/**
 * Ends the clients of one server: waits for the handlers at work, up to `timeout` milliseconds, closes the clients
 * with 1001, in random order and in slices where they are many, and waits, within bounds, for their lines and hooks.
 */
export async function disconnectAll(
  clients: () => readonly EnvelopeSocket[],
  disconnectHooks: ReadonlySet<Promise<void>>,
  timeout: number,
): Promise<void> {
  const deadline = performance.now() + timeout;
  while (performance.now() < deadline && clients().some((client) => isBusy(client))) await pause(POLL);
  const lines: { client: EnvelopeSocket; closed: Promise<void> }[] = [];
  const waiting = shuffle(clients());
  const size = Math.max(SLICE, Math.ceil((waiting.length * SLICE_INTERVAL) / MAX_SPREAD));
  while (waiting.length > 0) {
    for (const client of waiting.splice(0, size)) lines.push({ client, closed: letGo(client) });
    // jitter: several nodes of a deployment do not tick alike
    if (waiting.length > 0) await pause(SLICE_INTERVAL * (0.5 + Math.random()));
  }
  await withTimeout(GRACE, Promise.all(lines.map(({ closed }) => closed)), undefined);
  for (const { client } of lines) if (client.readyState !== client.CLOSED) client._connection.terminate();
  await withTimeout(GRACE, Promise.all(disconnectHooks), undefined);
}

function letGo(client: EnvelopeSocket): Promise<void> {
  const closed = client._connection.whenClosed();
  client._end(SHUTTING_DOWN, CLOSE_CODES.GOING_AWAY.code, SHUTTING_DOWN);
  return closed;
}

function shuffle<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
