import type { MountPoint } from '../server/upgrade/mount-point.js';
import type { ContractServer, Reference } from './asyncapi-types.js';
import { pointer } from './naming.js';

/** The application's HTTP server, if the option `servers` does not describe it. */
const APPLICATION: ContractServer = {
  host: '{host}',
  protocol: 'ws',
  description: "The application's HTTP server.",
  variables: { host: { default: 'localhost:3000' } },
};

/**
 * Returns the servers of a contract: the given ones, and one for each port that a gateway sets.
 *
 * @returns `referTo` returns the servers of a mount point; `undefined` means all servers
 */
export function serversOf(
  given: Readonly<Record<string, ContractServer>> | undefined,
  channels: readonly { readonly mountPoint: MountPoint }[],
): {
  servers: Record<string, ContractServer> | undefined;
  referTo: (mountPoint: MountPoint) => Reference[] | undefined;
} {
  const ports = [...new Set(channels.map(({ mountPoint }) => mountPoint.port))]
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
  const hasMain = channels.some(({ mountPoint }) => mountPoint.port === 0);
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
