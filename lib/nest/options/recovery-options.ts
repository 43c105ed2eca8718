import { refuseUnknown, show } from '../../protocol/refuse.js';
import { withCode } from '../../protocol/with-code.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { ResolvedRecovery, Restore, Restored } from '../../server/recovery/types.js';

/** How clients that reconnect resume their sessions. */
export interface RecoveryOptions {
  /** Milliseconds in which a client must reconnect to resume its session. Default 120,000, as in Socket.IO. */
  maxDisconnectionDuration?: number;
  /**
   * Bytes of memory for disconnected clients on each path: half for the messages that they miss, and half for their
   * sessions (rooms and `client.data`). If the first half is full, the oldest messages are dropped. If the second half is
   * full, the address or user with the most sessions loses its oldest. With an adapter that stores both in a broker, half
   * of this value limits the sessions of the clients of one address. Default 64,000,000.
   */
  maxStoredBytes?: number;
  /**
   * Decides which `rooms` and `data` a client of the same user gets back, for applications where these depend on rights
   * that may have changed. It runs after the guards and before the connection opens, within `limits.upgradeTimeout`.
   * Returns the rooms and data that the client gets back (it may leave rooms out, but not add any), `undefined` for
   * everything, or `false` for a new session. If it throws, the client gets a new session, and the error is logged.
   * Default: everything.
   */
  restore?: (client: EnvelopeSocket, session: Restored) => ReturnType<Restore>;
}

/** The options that turn recovery on: `recovery`, and its name in Socket.IO. */
interface WithRecovery {
  recovery?: RecoveryOptions | boolean;
  connectionStateRecovery?: { maxDisconnectionDuration?: number };
}

const DEFAULTS = {
  maxDisconnectionDuration: 120_000,
  maxStoredBytes: 64_000_000,
};

/**
 * Checks the option `recovery` of an adapter or a gateway.
 *
 * @param where the class that has the option, for errors
 * @throws TypeError if a field is unknown; Error if the option or a field has an invalid value
 */
export function checkRecovery(recovery: unknown, where: string): void {
  if (recovery === undefined || recovery === false || recovery === true) return;
  if (typeof recovery !== 'object' || recovery === null)
    throw withCode(
      'ERR_ENVELOPE_INVALID_OPTION',
      new Error(
        `${where}: recovery is ${String(recovery)}: it takes true, false, or { maxDisconnectionDuration: 120_000 }`,
      ),
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

/** Returns the recovery options with their defaults; `undefined` if recovery is off. */
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
 * Returns a function to call with the name of an adapter that cannot store messages and sessions for recovery. It throws
 * an Error for the option `recovery`. For Socket.IO's option `connectionStateRecovery` it only warns, because Socket.IO
 * ignores the option with such an adapter.
 *
 * @param paths of the gateways that have the option
 */
export function recoveryRefusal(
  { recovery }: WithRecovery,
  paths: readonly string[],
  warn: (subject: string, text: string) => void,
): (adapter: string) => void {
  const isOurOption = recovery !== undefined;
  return (adapter) => {
    const text =
      `EnvelopeAdapter: ${isOurOption ? 'recovery' : 'connectionStateRecovery'} is set for ${paths.join(' and ')}, and ` +
      `${adapter} stores nothing for disconnected clients: `;
    const fix =
      'use the adapter in memory (leave the option adapter out), or that of @socket.io/redis-streams-adapter';
    if (isOurOption)
      throw withCode('ERR_ENVELOPE_RECOVERY_UNSUPPORTED', new Error(`${text}${fix}, or leave recovery out`));
    warn(
      'recovery',
      `${text}each client that reconnects gets a new session, as with Socket.IO. To recover, ${fix}`,
    );
  };
}
