import type { Encoding } from '../transport/encoding.js';
import { Frame, type Encodable, type PendingOffset } from '../transport/frame.js';
import type { EventPacket } from './adapter-types.js';

/**
 * The offset of a packet in the log, known or pending. A symbol, so that no broker carries it: Socket.IO appends the
 * offset to the arguments, where other nodes would take it for one.
 */
export const LOG_OFFSET: unique symbol = Symbol('offset');

/** An event packet of Socket.IO's adapter contract, and its offset in the log. */
export type LoggedPacket = Omit<EventPacket, 'type'> & { [LOG_OFFSET]?: string | PendingOffset };

/**
 * An event on its way to several clients. The first recipient of each encoding makes its bytes; all others with the
 * same encoding share them.
 */
export class OutgoingMessage implements Encodable {
  private first: Encoding | undefined;
  private firstFrame: Frame | undefined;
  private others: Map<Encoding, Frame> | undefined;

  /** @param original the same message with another offset */
  constructor(
    private readonly packet: LoggedPacket,
    private readonly original?: OutgoingMessage,
  ) {
    const offset = packet[LOG_OFFSET];
    if (typeof offset === 'object') offset.message = this;
  }

  /** The metadata that the message carries beside its payload. */
  get meta(): object | undefined {
    const { packet } = this;
    // own properties only: a field of Object.prototype is not part of the message
    return Object.hasOwn(packet, 'meta') ? packet.meta : undefined;
  }

  withPending(offset: PendingOffset): OutgoingMessage {
    return new OutgoingMessage({ ...this.packet, [LOG_OFFSET]: offset }, this);
  }

  /**
   * Returns the message in an encoding.
   *
   * @throws TypeError on data that the encoding cannot carry
   */
  frame(encoding: Encoding): Frame {
    if (this.first === encoding) return this.firstFrame!;
    if (this.first !== undefined) return this.otherFrame(encoding);
    this.firstFrame = this.encode(encoding);
    this.first = encoding;
    return this.firstFrame;
  }

  private otherFrame(encoding: Encoding): Frame {
    const known = this.others?.get(encoding);
    if (known !== undefined) return known;
    const made = this.encode(encoding);
    (this.others ??= new Map()).set(encoding, made);
    return made;
  }

  /** Returns the frame that a recipient has made before. */
  private madeFrame(encoding: Encoding): Frame | undefined {
    return this.first === encoding ? this.firstFrame : this.others?.get(encoding);
  }

  private encode(encoding: Encoding): Frame {
    const { packet } = this;
    // the application may have changed the data since
    const made = this.original?.madeFrame(encoding);
    if (made !== undefined) return new Frame(made.payload, made.compress, packet[LOG_OFFSET], encoding);
    const [event, ...args] = packet.data;
    // own properties only: an id on Object.prototype would make every broadcast a request
    const id = Object.hasOwn(packet, 'id') ? packet.id : undefined;
    return new Frame(
      encoding.event(event as string, args, id, this.meta),
      true,
      packet[LOG_OFFSET],
      encoding,
    );
  }
}
