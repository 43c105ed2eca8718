import { refuse } from '../../protocol/refuse.js';
import { withCode } from '../../protocol/with-code.js';
import { valueBytes } from '../util/heap-size.js';

/** The maximum bytes of memory of a meta. Every node stores it for each room of a client, and it may come from a client. */
const MAX_META_BYTES = 20_000;

/** Checks a client. @throws TypeError unless it has an id */
export function assertClient(where: string, client: unknown): void {
  if (typeof (Object(client) as { id?: unknown }).id !== 'string')
    refuse(where, 'client', client, 'a connected client: an EnvelopeSocket');
}

/** Checks the size of a meta. @throws RangeError */
export function checkSize(meta: unknown): void {
  if (valueBytes(meta, MAX_META_BYTES) <= MAX_META_BYTES) return;
  throw withCode(
    'ERR_ENVELOPE_INVALID_ARGUMENT',
    new RangeError(
      `presence.track: meta takes more than ${MAX_META_BYTES} bytes of memory: pass only what other members need to see, and an id for the rest`,
    ),
  );
}
