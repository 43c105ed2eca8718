import type { ClosedInfo, DisconnectReason } from '../server/transport/disconnect-reason.js';

/** Engine.IO's words for the end of a connection are those of {@link DisconnectReason}. */
const REASONS: ReadonlySet<string> = new Set<DisconnectReason>([
  'transport close',
  'transport error',
  'ping timeout',
  'parse error',
  'forced close',
]);

const LOST: ClosedInfo = { code: 1006, reason: '', wasClean: false, initiator: 'network' };

/** Returns how a connection has ended, from the engine's reason. */
export function describeEngineEnd(reason: string): [DisconnectReason, ClosedInfo] {
  return [REASONS.has(reason) ? (reason as DisconnectReason) : 'transport close', LOST];
}
