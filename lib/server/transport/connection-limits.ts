import type { TokenBucket } from '../util/token-bucket.js';

/** The limits of one connection; `Infinity`: no limit. */
export interface ConnectionLimits {
  /** The rate of messages, pings and pongs; `undefined`: no limit. */
  readonly messages: TokenBucket | undefined;
  /** The rate of refusals after it is exceeded, before the connection is closed. */
  readonly refusals: TokenBucket;
  /** Bytes of one message. */
  readonly maxPayload: number;
  readonly maxInFlight: number;
  readonly maxRooms: number;
  readonly maxRoomNameLength: number;
  /** Bytes. */
  readonly maxBufferedBytes: number;
  /** Milliseconds. */
  readonly maxLifetime: number;
  /** Milliseconds for checks and guards: of the upgrade, and of `$auth`. */
  readonly upgradeTimeout: number;
  /** Milliseconds for which messages may wait while none in flight ends. */
  readonly maxStandstill: number;
}
