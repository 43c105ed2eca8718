/** The name of a node in messages of `@socket.io/redis-emitter` and of the emitters for other brokers. */
const EMITTER = 'emitter';

interface Packet {
  data?: unknown;
}

/**
 * Emitters know no envelopes, and send arguments one by one. Several become an array, as where a server emits them.
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
