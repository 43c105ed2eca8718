import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';

/** The `handleConnection` calls of one client: those that run, and how many are yet to begin. */
interface Hooks {
  running: Promise<void>[];
  scopedStarted: number;
  allStarted?: { missing: number; resolve: () => void };
}

function hooksOf(client: EnvelopeSocket): Hooks {
  return (client._hooks ??= { running: [], scopedStarted: 0 } satisfies Hooks) as Hooks;
}

/** One gateway's hook was called; `settled` is absent where it is done already, and never rejects. */
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
 * Tells when every `handleConnection` of a client has settled; `undefined`: they have.
 *
 * @param scoped how many request-scoped gateways the path has: Nest 12 makes them after it has told of the client,
 * Nest 11 calls their hooks at once
 */
export function hooksSettled(client: EnvelopeSocket, scoped: number): Promise<void> | undefined {
  const known = client._hooks as Hooks | undefined;
  const missing = scoped - (known?.scopedStarted ?? 0);
  if (missing <= 0 && (known === undefined || known.running.length === 0)) return undefined;
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
