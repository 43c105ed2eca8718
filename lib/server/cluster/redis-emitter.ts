/** The sender's id in messages of `@socket.io/redis-emitter` and of the emitters for other brokers. */
const EMITTER = 'emitter';

interface Packet {
  data?: unknown;
}

/**
 * Combines several arguments of an emitter into an array, as a server does when it emits them. Emitters send arguments
 * one by one.
 *
 * @param from the id of the sender; nodes never send more than one value
 */
export function gatherArguments(from: unknown, packet: unknown): void {
  if (from !== EMITTER) return;
  const sent = Object(packet) as Packet;
  if (!Array.isArray(sent.data) || sent.data.length < 3) return;
  const [event, ...values] = sent.data as unknown[];
  sent.data = [event, values];
}
