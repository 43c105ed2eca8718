import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';

/** The `handleConnection` calls of one client: those that run, and how many are yet to begin. */
interface Hooks {
  running: Promise<void>[];
  scopedBegun: number;
  allBegun?: { missing: number; resolve: () => void };
}

function hooksOf(client: EnvelopeSocket): Hooks {
  return (client._hooks ??= { running: [], scopedBegun: 0 } satisfies Hooks) as Hooks;
}

/** One gateway's hook was called; `settled` is absent where it is done already, and never rejects. */
export function hookBegan(
  client: EnvelopeSocket,
  settled: Promise<void> | undefined,
  isRequestScoped: boolean,
): void {
  if (settled === undefined && !isRequestScoped) return;
  const hooks = hooksOf(client);
  if (settled !== undefined) hooks.running.push(settled);
  if (!isRequestScoped) return;
  hooks.scopedBegun++;
  if (hooks.allBegun !== undefined && --hooks.allBegun.missing === 0) hooks.allBegun.resolve();
}

/**
 * Tells when every `handleConnection` of a client has settled; `undefined`: they have.
 *
 * @param scoped how many request-scoped gateways the path has: Nest 12 makes them after it has told of the client,
 * Nest 11 calls their hooks at once
 */
export function hooksSettled(client: EnvelopeSocket, scoped: number): Promise<void> | undefined {
  const known = client._hooks as Hooks | undefined;
  const missing = scoped - (known?.scopedBegun ?? 0);
  if (missing <= 0 && (known === undefined || known.running.length === 0)) return undefined;
  const hooks = hooksOf(client);
  const begun =
    missing <= 0
      ? Promise.resolve()
      : new Promise<void>((resolve) => {
          hooks.allBegun = { missing, resolve };
        });
  return begun
    .then(() => Promise.all(hooks.running))
    .then(() => {
      client._hooks = undefined;
    });
}
