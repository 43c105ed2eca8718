import { constants } from 'node:buffer';
import type { NamespaceLimits } from '../../server/socket/namespace-contract.js';
import type { ConnectionLimits } from '../../server/transport/connection-limits.js';
import type { WebSocketOptions } from '../../server/transport/web-socket-acceptor.js';
import { TokenBucket } from '../../server/util/token-bucket.js';
import { resolveCompression } from './compression-options.js';
import type { PathLimits, Resolved } from './limits.js';
import type { ResolvedPathOptions } from './options.js';

/**
 * The limits for refusals that a client causes by sending too many messages, before it is disconnected. Per second, the
 * limit is the larger of this number and a tenth of `limits.messagesPerSecond`.
 */
const REFUSALS_PER_SECOND = 10;
const REFUSAL_BURST = 100;

/** Returns the limits of a connection. */
export function connectionLimits({ limits, connectTimeout }: ResolvedPathOptions): ConnectionLimits {
  const { messagesPerSecond, messageBurst } = limits;
  const messages =
    messagesPerSecond === Infinity ? undefined : new TokenBucket(messagesPerSecond, messageBurst);
  // a client with a higher rate exceeds it by more messages
  const perSecond = messages === undefined ? 0 : messagesPerSecond / 10;
  const refusals = new TokenBucket(Math.max(REFUSALS_PER_SECOND, perSecond), REFUSAL_BURST);
  return { ...limits, messages, refusals, maxStandstill: connectTimeout };
}

/** Returns the limits and times of the namespace of a path. @param limits those of its connections */
export function namespaceLimits(options: ResolvedPathOptions, limits: ConnectionLimits): NamespaceLimits {
  const { pingInterval, pingTimeout, connectTimeout, shutdownTimeout } = options;
  const { maxJsonDepth } = options.limits;
  return {
    ...limits,
    session: {
      pingInterval,
      pingTimeout,
      maxPayload: orZero(limits.maxPayload),
      maxJsonDepth: orZero(maxJsonDepth),
    },
    connectTimeout,
    shutdownTimeout,
  };
}

/** Returns the options of the WebSockets of a path. */
export function webSocketOptions({
  limits,
  perMessageDeflate,
}: Pick<ResolvedPathOptions, 'limits' | 'perMessageDeflate'>): WebSocketOptions {
  return { ...wsLimits(limits), perMessageDeflate: resolveCompression(perMessageDeflate).perMessageDeflate };
}

function wsLimits({ maxPayload, maxFragments }: Resolved<PathLimits>): object {
  return {
    // a longer message cannot become a string: the error would end the process
    maxPayload: Math.min(maxPayload, constants.MAX_STRING_LENGTH),
    maxFragments: orZero(maxFragments),
    // the chunks of an incomplete message, as TCP delivers them: small ones must not take more memory than they carry
    maxBufferedChunks: orZero(Math.max(4_096, Math.ceil(maxPayload / 256))),
    // not limited by ws: pings count as messages, and pongs as buffered bytes, so that the client learns which limit it
    // exceeds
    maxPendingAutoPongs: 0,
  };
}

/**
 * Returns a limit for `ws` and for the protocol, in which 0 stands for no limit. Returns 0 for a number beyond 32 bits,
 * since `ws` would truncate it to another number.
 */
function orZero(limit: number): number {
  return limit > MAX_INT32 ? 0 : limit;
}

const MAX_INT32 = 2 ** 31 - 1;
