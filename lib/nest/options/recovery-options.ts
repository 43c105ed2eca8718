import { refuseUnknown, show } from '../../protocol/refuse.js';
import { withCode } from '../../protocol/with-code.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { ResolvedRecovery, Restore, Restored } from '../../server/recovery/types.js';

/** What clients that come back after a cut get back. */
export interface RecoveryOptions {
  /** Milliseconds that a client may be away. Default 120,000, as in Socket.IO. */
  maxDisconnectionDuration?: number;
  /**
   * Bytes of memory for clients that are away, on each path: half for the messages that they miss, half for their
   * sessions, that is their rooms and `client.data`. Beyond it the oldest messages go, and the oldest sessions of the
   * address or the user that has the most. With an adapter that keeps them with a broker: half of it bounds the sessions of
   * the clients of one address. Default 64,000,000.
   */
  maxStoredBytes?: number;
  /**
   * Decides what a client of the same user gets back of its `rooms` and `data`, for applications where those depend on
   * rights that may have changed. It runs after the guards, before the connection opens, within `limits.upgradeTimeout`.
   * Return what the client gets back (rooms may be left out, not added), `undefined` for everything, or `false` for a new
   * session. If it throws, the client gets a new session and the log an error. Default: everything.
   */
  restore?: (client: EnvelopeSocket, session: Restored) => ReturnType<Restore>;
}

/** Where it stands among other options. */
interface WithRecovery {
  recovery?: RecoveryOptions | boolean;
  connectionStateRecovery?: { maxDisconnectionDuration?: number };
}

const DEFAULTS = {
  maxDisconnectionDuration: 120_000,
  maxStoredBytes: 64_000_000,
};

/** @throws Error that names what is no option, or no value for one; `where` says whose option it is */
export function checkRecovery(recovery: unknown, where: string): void {
  if (recovery === undefined || recovery === false || recovery === true) return;
  if (typeof recovery !== 'object' || recovery === null)
    throw withCode(
      'ERR_ENVELOPE_INVALID_OPTION',
      new Error(`${where}: recovery is ${String(recovery)}: it takes { maxDisconnectionDuration: 120_000 }`),
    );
  for (const [name, value] of Object.entries(recovery) as [string, unknown][]) {
    if (name === 'restore') {
      if (value === undefined || typeof value === 'function') continue;
      throw withCode(
        'ERR_ENVELOPE_INVALID_OPTION',
        new Error(
          `${where}: recovery.restore is ${show(value)}: it takes a function, (client, { rooms, data }) => ({ rooms, data })`,
        ),
      );
    }
    if (!Object.hasOwn(DEFAULTS, name))
      refuseUnknown(where, name, [...Object.keys(DEFAULTS), 'restore'], 'option of recovery');
    if (value !== undefined && !(typeof value === 'number' && value > 0 && Number.isSafeInteger(value)))
      throw withCode(
        'ERR_ENVELOPE_INVALID_OPTION',
        new Error(`${where}: recovery.${name} is ${show(value)}: it takes a positive whole number`),
      );
  }
}

/** With the defaults filled in; `undefined`: nothing is kept. */
export function resolveRecovery({
  recovery,
  connectionStateRecovery,
}: WithRecovery): ResolvedRecovery | undefined {
  const option = recovery ?? connectionStateRecovery ?? false;
  if (option === false) return undefined;
  const given: RecoveryOptions = option === true ? {} : option;
  return {
    maxDisconnectionDuration: given.maxDisconnectionDuration ?? DEFAULTS.maxDisconnectionDuration,
    maxStoredBytes: given.maxStoredBytes ?? DEFAULTS.maxStoredBytes,
    restore: given.restore,
  };
}

/**
 * What becomes of recovery with an adapter that keeps nothing for clients that are away. For our option that is an error.
 * An application that comes from Socket.IO goes on as there, where such an adapter recovers nothing without a word.
 *
 * @param paths of the gateways that the option is for
 */
export function recoveryRefusal(
  { recovery }: WithRecovery,
  paths: readonly string[],
  warn: (subject: string, text: string) => void,
): (adapter: string) => void {
  const isOurs = recovery !== undefined;
  return (adapter) => {
    const text =
      `EnvelopeAdapter: ${isOurs ? 'recovery' : 'connectionStateRecovery'} is set for ${paths.join(' and ')}, and ` +
      `${adapter} keeps nothing for clients that are away: `;
    const fix =
      'use the adapter in memory (leave the option adapter out), or that of @socket.io/redis-streams-adapter';
    if (isOurs)
      throw withCode('ERR_ENVELOPE_RECOVERY_UNSUPPORTED', new Error(`${text}${fix}, or leave recovery out`));
    warn(
      'recovery',
      `${text}each client that reconnects gets a new session, as with Socket.IO. To recover, ${fix}`,
    );
  };
}
