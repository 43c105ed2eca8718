/** What `@socket.io/redis-emitter` has for the name of a node. */
const EMITTER = 'emitter';

interface Packet {
  data?: unknown;
}

/**
 * A message of `@socket.io/redis-emitter`, which knows no envelopes, has its arguments one by one: several become an
 * array, as where a server sends them.
 *
 * @param from who sent it; nodes never send more than one value
 */
export function gatherArguments(from: unknown, packet: unknown): void {
  if (from !== EMITTER) return;
  const sent = Object(packet) as Packet;
  if (!Array.isArray(sent.data) || sent.data.length < 3) return;
  const [event, ...values] = sent.data as unknown[];
  sent.data = [event, values];
}
