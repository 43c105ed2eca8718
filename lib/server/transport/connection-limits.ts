import type { TokenBucket } from '../util/token-bucket.js';

/** What one connection may do; `Infinity`: there is no limit. */
export interface ConnectionLimits {
  /** Messages, pings and pongs; `undefined`: there is no limit. */
  readonly messages: TokenBucket | undefined;
  /** Refusals for going over it, before the connection is closed. */
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
  /** Milliseconds, of the guards that `$auth` asks. */
  readonly upgradeTimeout: number;
  /** Milliseconds for which a line may stand still, since nothing that is in flight comes to an end. */
  readonly maxStandstill: number;
}
