import type { Encoding } from '../transport/encoding.js';
import { Frame, type PendingOffset } from '../transport/frame.js';

/**
 * An event on its way to several clients. The first recipient of each encoding makes its bytes; all others with the
 * same encoding share them.
 */
export class OutgoingMessage {
  private first: Encoding | undefined;
  private firstFrame: Frame | undefined;
  private others: Map<Encoding, Frame> | undefined;

  constructor(
    readonly event: string,
    readonly data: unknown,
    /** Of a request to a room: the same for all recipients. */
    readonly id: number | undefined,
    readonly meta: object | undefined,
    /** The position in the log of messages that clients may have missed. */
    readonly place: string | PendingOffset | undefined,
  ) {}

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

  private encode(encoding: Encoding): Frame {
    return new Frame(encoding.event(this.event, this.data, this.id, this.meta), true, this.place);
  }
}
