import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';

/** The calls of `handleConnection` for one client. */
interface Hooks {
  /** Calls that have not settled. */
  running: Promise<void>[];
  /** The number of calls of request-scoped gateways so far. */
  scopedStarted: number;
  /** Set while {@link hooksSettled} waits for `missing` further calls of request-scoped gateways. */
  allStarted?: { missing: number; resolve: () => void };
}

function hooksOf(client: EnvelopeSocket): Hooks {
  return (client._hooks ??= { running: [], scopedStarted: 0 } satisfies Hooks) as Hooks;
}

/**
 * Tracks a call of one gateway's `handleConnection`.
 *
 * @param settled resolves when the call has settled, and never rejects; `undefined` if it has settled already
 */
export function hookStarted(
  client: EnvelopeSocket,
  settled: Promise<void> | undefined,
  isRequestScoped: boolean,
): void {
  if (settled === undefined && !isRequestScoped) return;
  const hooks = hooksOf(client);
  if (settled !== undefined) hooks.running.push(settled);
  if (!isRequestScoped) return;
  hooks.scopedStarted++;
  if (hooks.allStarted !== undefined && --hooks.allStarted.missing === 0) hooks.allStarted.resolve();
}

/**
 * Returns a promise that resolves when every `handleConnection` of a client has settled; `undefined` if they have
 * settled already.
 *
 * @param scoped the number of request-scoped gateways of the path. Nest 12 creates them after the `connection` event;
 * Nest 11 calls their hooks during the event
 */
export function hooksSettled(client: EnvelopeSocket, scoped: number): Promise<void> | undefined {
  const tracked = client._hooks as Hooks | undefined;
  const missing = scoped - (tracked?.scopedStarted ?? 0);
  if (missing <= 0 && (tracked === undefined || tracked.running.length === 0)) return undefined;
  const hooks = hooksOf(client);
  const started =
    missing <= 0
      ? Promise.resolve()
      : new Promise<void>((resolve) => {
          hooks.allStarted = { missing, resolve };
        });
  return started
    .then(() => Promise.all(hooks.running))
    .then(() => {
      client._hooks = undefined;
    });
}
