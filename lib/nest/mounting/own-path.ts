import type { AdapterServices } from './adapter-services.js';
import type { OwnGuard } from '../gateways/find-adapter.js';
import { show } from '../../protocol/refuse.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { AccessControl, refusalFor } from '../../server/upgrade/access-control.js';
import type { BlockEntry } from '../../server/upgrade/block-list.js';
import { ConnectionCounter } from '../../server/upgrade/connection-counter.js';
import type { HttpRefusal } from '../../server/upgrade/http-refusal.js';

/** What a path of this package itself, such as that of the console, has in the place of what gateways share. */
export interface OwnPath {
  /** Keeps nobody out: an operator stays connected while the node drains, and blocks are the business of {@link guard}. */
  readonly access: AccessControl;
  /** Counts for itself: clients that use up the limits of the adapter must not keep operators out. */
  readonly connectionCounter: ConnectionCounter;
  /** Refuses blocked addresses and users, and runs the guard of the path. */
  readonly guard: OwnGuard;
}

/** The limits of one such path, on one node. */
const LIMITS = { maxConnections: 100, maxConnectionsPerAddress: 50, maxPendingUpgrades: 50 } as const;

/** Headers by which a proxy says that it forwards the request of another machine. */
const OF_PROXIES = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
];

/** Makes what a path of this package has for itself. */
export function ownPath(path: string, services: AdapterServices, guard: OwnGuard): OwnPath {
  const { warn } = services.reports;
  return {
    access: new AccessControl(),
    // not on the channel `limit`: alerts take that for the limit of the adapter
    connectionCounter: new ConnectionCounter(LIMITS, (limit, text) =>
      warn(`${path}: ${limit}`, `${path} has limits of its own: ${text}`),
    ),
    guard: withBlocks(guard, services.access, (block) => warn(`${path}: blocks`, explain(path, block))),
  };
}

/** Returns whether a client connects from the machine of the server, and not through a proxy on it. */
export function isFromThisMachine({ _upgrade: { message } }: EnvelopeSocket): boolean {
  return (
    LOOPBACK.test(message.socket.remoteAddress ?? '') &&
    OF_PROXIES.every((name) => message.headers[name] === undefined)
  );
}

const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/;

/**
 * Makes a guard refuse whom an operator has blocked: an address before the guard runs, and a user after it has said who it is. Blocks
 * do not count for a client on this machine: otherwise an operator could block the address or the user of all operators, and nobody
 * could end that.
 */
function withBlocks(guard: OwnGuard, access: AccessControl, report: (block: BlockEntry) => void): OwnGuard {
  const refuse = (block: BlockEntry | undefined): HttpRefusal | undefined => {
    if (block === undefined) return undefined;
    report(block);
    return refusalFor(block);
  };
  return async (client) => {
    if (isFromThisMachine(client)) return guard(client);
    const { clientInfo } = client._upgrade;
    return (
      refuse(access.blocks.blockOf({ kind: 'address', name: clientInfo.rateKey })) ??
      (await guard(client)) ??
      refuse(access.blockOf(client, clientInfo))
    );
  };
}

function explain(path: string, { kind, name, until, by, reason }: BlockEntry): string {
  const decided = [by, reason].filter((text) => text !== undefined).map(show);
  return (
    `${path} refused the ${kind} ${show(name)}, which is blocked until ${new Date(until).toISOString()}` +
    `${decided.length > 0 ? ` by ${decided.join(', ')}` : ''}. EnvelopeOperations.unblock() ends the block; for a connection ` +
    'from this machine, such as that of an SSH tunnel, blocks do not count on this path'
  );
}
