import { refuseUnknown, show } from '../refuse.js';

/** What clients that come back after a cut get back. */
export interface RecoveryOptions {
  /** Milliseconds that a client may be away. Default 120,000, as in Socket.IO. */
  maxDisconnectionDuration?: number;
  /**
   * Bytes of memory for clients that are away, on each path: half for the messages that they miss, half for their
   * sessions, that is their rooms and `client.data`. Beyond it the oldest messages go, and the oldest sessions of the
   * address or the user that has the most. Default 64,000,000.
   */
  maxStoredBytes?: number;
}

/** Where it stands among other options. */
interface WithRecovery {
  recovery?: RecoveryOptions | boolean;
  connectionStateRecovery?: { maxDisconnectionDuration?: number };
}

const DEFAULTS: Required<RecoveryOptions> = {
  maxDisconnectionDuration: 120_000,
  maxStoredBytes: 64_000_000,
};

/** @throws Error that names what is no option, or no value for one; `where` says whose option it is */
export function checkRecovery(recovery: unknown, where: string): void {
  if (recovery === undefined || recovery === false || recovery === true) return;
  if (typeof recovery !== 'object' || recovery === null)
    throw new Error(
      `${where}: recovery is ${String(recovery)}: it takes { maxDisconnectionDuration: 120_000 }`,
    );
  for (const [name, value] of Object.entries(recovery) as [string, unknown][]) {
    if (!Object.hasOwn(DEFAULTS, name))
      refuseUnknown(where, name, Object.keys(DEFAULTS), 'option of recovery');
    if (value !== undefined && !(typeof value === 'number' && value > 0 && Number.isSafeInteger(value)))
      throw new Error(`${where}: recovery.${name} is ${show(value)}: it takes a positive whole number`);
  }
}

/** With the defaults filled in; `undefined`: nothing is kept. */
export function resolveRecovery({
  recovery,
  connectionStateRecovery,
}: WithRecovery): Required<RecoveryOptions> | undefined {
  const option = recovery ?? connectionStateRecovery ?? false;
  if (option === false) return undefined;
  const given: RecoveryOptions = option === true ? {} : option;
  return {
    maxDisconnectionDuration: given.maxDisconnectionDuration ?? DEFAULTS.maxDisconnectionDuration,
    maxStoredBytes: given.maxStoredBytes ?? DEFAULTS.maxStoredBytes,
  };
}
