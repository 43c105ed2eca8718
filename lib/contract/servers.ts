import type { MountPoint } from '../server/upgrade/mount-point.js';
import type { ContractServer, Reference } from './asyncapi-types.js';
import { pointer } from './naming.js';

/** Where the application's own HTTP server is, for whoever said nothing of it. */
const APPLICATION: ContractServer = {
  host: '{host}',
  protocol: 'ws',
  description: "The application's own HTTP server.",
  variables: { host: { default: 'localhost:3000' } },
};

/**
 * The servers of a contract: those that were given, and one for each port that gateways have for themselves.
 *
 * @returns `referTo`: the servers of a place; `undefined`: all of them
 */
export function serversOf(
  given: Readonly<Record<string, ContractServer>> | undefined,
  channels: readonly { readonly place: MountPoint }[],
): {
  servers: Record<string, ContractServer> | undefined;
  referTo: (place: MountPoint) => Reference[] | undefined;
} {
  const ports = [...new Set(channels.map(({ place }) => place.port))]
    .filter((port) => port !== 0)
    .sort((a, b) => a - b);
  if (ports.length === 0) return { servers: given && { ...given }, referTo: () => undefined };
  const own = Object.fromEntries(
    ports.map((port): [string, ContractServer] => [
      nameOf(port),
      { host: `localhost:${port}`, protocol: 'ws' },
    ]),
  );
  const others = Object.entries(given ?? {}).filter(([name]) => !(name in own));
  const hasMain = channels.some(({ place }) => place.port === 0);
  const main = others.length > 0 || !hasMain ? Object.fromEntries(others) : { application: APPLICATION };
  return {
    servers: { ...main, ...own, ...given },
    referTo: ({ port }) =>
      (port === 0 ? Object.keys(main) : [nameOf(port)]).map((name) => ({ $ref: pointer('servers', name) })),
  };
}

function nameOf(port: number): string {
  return `port-${port}`;
}
