import type { BroadcastFlags, BroadcastOptions } from 'socket.io-adapter';
import type { ForEachSocket } from '../rooms/target.js';
import { MemoryAdapter } from '../rooms/memory-adapter.js';
import type { PacketEncoder } from '../rooms/packet-encoder.js';
import type { LoggedPacket, OutgoingMessage } from '../rooms/outgoing-message.js';
import type { Frame } from '../transport/frame.js';
import { storedArguments } from './stored-message.js';

/**
 * Assigns a packet its offset in the log.
 *
 * @returns a function that adds the encoded packet to the log; `undefined` if the packet is not stored
 */
export type AssignOffset = (
  packet: LoggedPacket,
  options: BroadcastOptions,
) => ((frame: Frame | undefined, args: string | undefined) => void) | undefined;

interface Recipient {
  notifyOutgoingListeners(packet: LoggedPacket): void;
  readonly client: { writeToEngine(messages: readonly OutgoingMessage[], flags: BroadcastFlags): void };
}

/** The in-memory adapter of a server with recovery: writes each broadcast into a log before it sends it. */
export class LoggingAdapter extends MemoryAdapter {
  constructor(
    nsp: unknown,
    private readonly assignOffset: AssignOffset,
  ) {
    super(nsp);
  }

  override broadcast(packet: LoggedPacket, options: BroadcastOptions): void {
    const addToLog = this.assignOffset(packet, options);
    if (addToLog === undefined) return super.broadcast(packet, options);
    const { encoder } = this.nsp as unknown as { readonly encoder: PacketEncoder };
    const messages = encoder.encode(packet);
    const { encoding } = encoder;
    addToLog(messages[0]?.frame(encoding), storedArguments(packet.data.slice(1), encoding));
    const flags: BroadcastFlags = options.flags ?? {};
    (this as unknown as { apply: ForEachSocket }).apply(options, (socket) => {
      const recipient = socket as Recipient;
      recipient.notifyOutgoingListeners(packet);
      recipient.client.writeToEngine(messages, flags);
    });
  }
}
